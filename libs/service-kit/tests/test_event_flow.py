"""What is said is heard: once in effect, in order, whatever happens to the broker in between."""

import asyncio
import shutil
from pathlib import Path
from typing import cast
from uuid import uuid4

import psycopg
from nats.js import JetStreamContext

from contracts import subjects
from rendezvous.local.nats import NatsServer, store
from service_kit import dead_letters, outbox
from service_kit.database import Database
from service_kit.testing import eventually, running

from .conftest import NOW, Hearer, Pair, Speaker, a_fact, build_speaker


async def test_what_is_said_is_heard_in_order(pair: Pair) -> None:
    facts = [a_fact() for _ in range(300)]

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build),
    ):
        for fact in facts:
            await Speaker(speaker.database).say(fact)

        await pair.hears([fact.booking_id for fact in facts])


async def test_transactions_that_commit_against_the_order_of_their_numbers_lose_nothing(
    pair: Pair,
) -> None:
    first, second = a_fact(), a_fact()

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build),
    ):
        async with speaker.database.transaction() as late:
            await outbox.append(late, NOW, first)
            await Speaker(speaker.database).say(second)
            await pair.hears([second.booking_id])

        await pair.hears([second.booking_id, first.booking_id])


async def test_an_event_that_is_delivered_twice_has_one_effect(pair: Pair) -> None:
    fact = a_fact()

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build),
    ):
        await Speaker(speaker.database).say(fact)
        await pair.hears([fact.booking_id])
        client, jetstream = await pair.jetstream()
        stored = await jetstream.get_msg("VIDEO", seq=1)
        known = cast("dict[str, str]", stored.headers)
        headers = {name: value for name, value in known.items() if name.startswith("ce-")}
        await jetstream.publish(fact.subject, stored.data or b"", headers=headers)
        after = a_fact()
        await Speaker(speaker.database).say(after)

        await pair.hears([fact.booking_id, after.booking_id])
        await client.close()


async def test_a_message_that_cannot_be_read_is_put_aside_and_holds_nobody_up(pair: Pair) -> None:
    fact = a_fact()

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build) as hearer,
    ):
        client, jetstream = await pair.jetstream()
        subject = f"events.video.meeting-provisioned.v1.demo.{uuid4()}"
        await jetstream.publish(subject, b"garbage")
        await Speaker(speaker.database).say(fact)

        await pair.hears([fact.booking_id])
        letters = await _letters(hearer.database)
        assert [(x.consumer, x.body) for x in letters] == [("hearer-video", b"garbage")]
        await client.close()


async def test_an_event_on_a_subject_of_another_kind_is_put_aside(pair: Pair) -> None:
    fact = a_fact()

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build) as hearer,
    ):
        await Speaker(speaker.database).say(fact)
        await pair.hears([fact.booking_id])
        client, jetstream = await pair.jetstream()
        stored = await jetstream.get_msg("VIDEO", seq=1)
        headers = {**cast("dict[str, str]", stored.headers), "ce-type": "video.unheard-of.v1"}
        headers = {k: v for k, v in headers.items() if k.startswith("ce-")} | {"ce-sequence": "9"}
        await jetstream.publish(fact.subject, b"{}", headers=headers)

        letters = await eventually(lambda: _letters(hearer.database))
        assert "unheard-of" in letters[0].error
        await client.close()


async def test_an_event_whose_handler_fails_ends_in_the_dead_letters_and_can_be_replayed(
    pair: Pair,
) -> None:
    bad, good = a_fact(provider="bad"), a_fact()
    hearer_part = Hearer("", refuse=lambda event: event.provider == "bad")

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, hearer_part.build) as hearer,
    ):
        await Speaker(speaker.database).say(bad, good)

        letters = await eventually(lambda: _letters(hearer.database))
        assert "cannot hear this" in letters[0].error
        await pair.hears([good.booking_id])

        hearer_part.refuse = lambda _: False
        async with hearer.database.transaction() as connection:
            await connection.execute("UPDATE dead_letters SET replay_wanted = true")
        await pair.hears([good.booking_id, bad.booking_id])


async def test_a_purged_stream_is_refilled_and_nothing_doubles(pair: Pair) -> None:
    facts = [a_fact() for _ in range(5)]

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build),
    ):
        await Speaker(speaker.database).say(*facts[:3])
        await pair.hears([fact.booking_id for fact in facts[:3]])
        client, jetstream = await pair.jetstream()
        await jetstream.purge_stream(subjects.stream("video"))
        await Speaker(speaker.database).say(*facts[3:])

        await pair.hears([fact.booking_id for fact in facts])
        await eventually(lambda: _holds(jetstream, 5))
        await client.close()


async def test_a_deleted_stream_and_its_consumers_come_back(pair: Pair) -> None:
    facts = [a_fact() for _ in range(4)]

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build),
    ):
        await Speaker(speaker.database).say(*facts[:2])
        await pair.hears([fact.booking_id for fact in facts[:2]])
        client, jetstream = await pair.jetstream()
        await jetstream.delete_stream(subjects.stream("video"))
        await Speaker(speaker.database).say(*facts[2:])

        await pair.hears([fact.booking_id for fact in facts], within=30)
        await client.close()


async def test_a_deleted_consumer_comes_back_at_its_mark(pair: Pair) -> None:
    before, after = a_fact(), a_fact()

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build),
    ):
        await Speaker(speaker.database).say(before)
        await pair.hears([before.booking_id])
        client, jetstream = await pair.jetstream()
        await jetstream.delete_consumer("VIDEO", "hearer-video")
        await Speaker(speaker.database).say(after)

        await pair.hears([before.booking_id, after.booking_id], within=30)
        await client.close()


async def test_a_broker_that_lost_its_whole_store_is_refilled(
    pair: Pair, nats_server: NatsServer
) -> None:
    facts = [a_fact() for _ in range(6)]

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build),
    ):
        await Speaker(speaker.database).say(*facts[:3])
        await pair.hears([fact.booking_id for fact in facts[:3]])
        nats_server.kill()
        await Speaker(speaker.database).say(facts[3])
        await asyncio.to_thread(nats_server.empty)
        await asyncio.to_thread(nats_server.start)
        await Speaker(speaker.database).say(*facts[4:])

        await pair.hears([fact.booking_id for fact in facts], within=40)


async def test_a_broker_that_was_rolled_back_gets_its_tail_again(
    pair: Pair, nats_server: NatsServer, tmp_path: Path
) -> None:
    facts = [a_fact() for _ in range(6)]

    async with (
        running("speaker", pair.speaker, build_speaker) as speaker,
        running("hearer", pair.hearer, Hearer("").build),
    ):
        await Speaker(speaker.database).say(*facts[:2])
        await pair.hears([fact.booking_id for fact in facts[:2]])
        await asyncio.to_thread(nats_server.stop)
        shutil.copytree(store(nats_server.directory), tmp_path / "copy")
        await asyncio.to_thread(nats_server.start)
        await Speaker(speaker.database).say(*facts[2:4])
        await pair.hears([fact.booking_id for fact in facts[:4]], within=40)
        await asyncio.to_thread(nats_server.stop)
        nats_server.empty()
        shutil.copytree(tmp_path / "copy", store(nats_server.directory))
        await asyncio.to_thread(nats_server.start)
        await Speaker(speaker.database).say(*facts[4:])

        await pair.hears([fact.booking_id for fact in facts], within=40)
        client, jetstream = await pair.jetstream()
        await eventually(lambda: _holds(jetstream, 6), within=30)
        await client.close()


async def test_a_record_restored_behind_its_stream_stops_the_relay(pair: Pair) -> None:
    async with running("speaker", pair.speaker, build_speaker) as speaker:
        await Speaker(speaker.database).say(a_fact(), a_fact())
        client, jetstream = await pair.jetstream()
        await eventually(lambda: _holds(jetstream, 2))
        await client.close()
    with psycopg.connect(pair.speaker.database_url) as connection:
        connection.execute("DELETE FROM outbox WHERE position = 2")

    async with running("speaker", pair.speaker, build_speaker) as speaker:

        async def parted() -> bool:
            problems = (await speaker.health.readiness()).problems
            return "histories have parted" in problems.get("relay", "")

        assert await eventually(parted)


async def _letters(database: Database) -> list[dead_letters.DeadLetter]:
    async with database.reading() as connection:
        return await dead_letters.listed(connection)


async def _holds(jetstream: JetStreamContext, messages: int) -> bool:
    info = await jetstream.stream_info("VIDEO")
    return info.state.messages == messages
