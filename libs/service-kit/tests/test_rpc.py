"""Requests between services: replies, refusals, and what is malformed."""

import asyncio

import nats
import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError

from contracts.video import JoinMeeting, Room
from service_kit.bus import Bus, answers
from service_kit.errors import ProblemError, UnavailableError
from service_kit.rpc import Rpc
from service_kit.service import Build, Parts, Runtime
from service_kit.testing import eventually, running

from .conftest import Pair, a_fact


def answering(name: str) -> Build:
    async def join(query: JoinMeeting) -> Room:
        if query.display_name == "refused":
            raise ProblemError("meeting_closed", "It is over.", field="booking_id")
        if query.display_name == "broken":
            raise ValueError("a defect")
        return Room(url=f"https://meet.example.org/{query.display_name}")

    async def build(_: Runtime) -> Parts:
        return Parts(Bus(name, requests=[answers(JoinMeeting, join)]))

    return build


def a_query(display_name: str) -> JoinMeeting:
    booking_id = a_fact().booking_id
    return JoinMeeting(tenant="demo", booking_id=booking_id, role="host", display_name=display_name)


async def test_a_query_gets_its_reply(pair: Pair) -> None:
    async with running("video", pair.hearer, answering("video")):
        client = await nats.connect(pair.nats_url)

        room = await Rpc(client).call(a_query("amira"))

        assert room.url == "https://meet.example.org/amira"
        await client.close()


@pytest.mark.parametrize(("name", "code"), [("refused", "meeting_closed"), ("broken", "internal")])
async def test_a_refusal_reaches_the_caller_with_its_code(pair: Pair, name: str, code: str) -> None:
    async with running("video", pair.hearer, answering("video")):
        client = await nats.connect(pair.nats_url)

        with pytest.raises(ProblemError) as refused:
            await Rpc(client).call(a_query(name))

        assert refused.value.code == code
        await client.close()


async def test_a_malformed_request_is_answered_with_the_field_at_fault(pair: Pair) -> None:
    async with running("video", pair.hearer, answering("video")):
        client = await nats.connect(pair.nats_url)

        reply = await client.request(JoinMeeting.subject(), b'{"tenant": "demo"}', timeout=2)

        assert b'"field":"booking_id"' in reply.data
        await client.close()


async def test_nobody_there_is_said_at_once(pair: Pair) -> None:
    client = await nats.connect(pair.nats_url)

    with pytest.raises(UnavailableError):
        await Rpc(client).call(a_query("amira"))

    await client.close()


async def test_a_request_at_hand_is_answered_before_the_service_stops(pair: Pair) -> None:
    asked, released = asyncio.Event(), asyncio.Event()

    async def join(_: JoinMeeting) -> Room:
        asked.set()
        await released.wait()
        return Room(url="https://meet.example.org/late")

    async def build(_: Runtime) -> Parts:
        return Parts(Bus("video", requests=[answers(JoinMeeting, join)]))

    client = await nats.connect(pair.nats_url)
    async with running("video", pair.hearer, build) as service:
        answer = asyncio.create_task(Rpc(client).call(a_query("amira")))
        await asked.wait()
        stopping = asyncio.create_task(service.close())
        await eventually(lambda: _nobody_listens(client))
        released.set()

        assert (await answer).url.endswith("/late")
        await stopping
    await client.close()


async def _nobody_listens(client: Client) -> bool:
    try:
        await client.request(JoinMeeting.subject(), b"{}", timeout=0.1)
    except NoRespondersError:
        return True
    return False
