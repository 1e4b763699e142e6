"""Commands and queries over NATS: one reply model each, and one shape of an error.

The server side goes through FastStream (its subscriptions, its AsyncAPI); the client side is a
plain request on the same connection.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import psycopg
import structlog
from faststream.nats import NatsBroker, NatsMessage, NatsResponse
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError
from opentelemetry.trace import SpanKind
from prometheus_client import Histogram
from psycopg_pool import PoolTimeout
from pydantic import ValidationError

from contracts.envelope import Contract, Problem, Request
from service_kit import causation, telemetry
from service_kit.bus import RequestHandler
from service_kit.causation import Causation
from service_kit.errors import ProblemError, UnavailableError

PROBLEM_HEADER = "rendezvous-problem"
CORRELATION_HEADER = "ce-correlationid"

UNAVAILABLE = "unavailable"
"""The problem of a service that cannot do its work now; the same request may work later."""

CONCURRENT_REQUESTS = 64

ANSWERED = Histogram(
    "rpc_seconds",
    "Time to answer a request",
    ["request", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)

ReplyT = TypeVar("ReplyT", bound=Contract)

_log = structlog.get_logger()


class Rpc:
    """Asks other services."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, request: Request[ReplyT], *, timeout: float = 5.0) -> ReplyT:  # noqa: ASYNC109
        """The reply to `request`.

        Raises `ProblemError` with the code that the service gave, `UnavailableError` where nobody
        answered within `timeout` seconds: the command may then have been carried out or not.
        """
        subject = request.subject()
        with telemetry.span(f"{subject} call", SpanKind.CLIENT):
            headers = {CORRELATION_HEADER: causation.current().correlation_id}
            if trace := telemetry.traceparent():
                headers["traceparent"] = trace
            body = request.model_dump_json().encode()
            try:
                reply = await self._client.request(subject, body, timeout=timeout, headers=headers)
            except NoRespondersError as error:
                raise UnavailableError(f"nobody answers {subject}") from error
            except (NatsError, TimeoutError) as error:
                raise UnavailableError(f"{subject} gave no answer in {timeout} s") from error
        if PROBLEM_HEADER in (reply.headers or {}):
            raise ProblemError.of(Problem.model_validate_json(reply.data))
        return type(request).reply().model_validate_json(reply.data)


def serve(broker: NatsBroker, service: str, handler: RequestHandler) -> None:
    """Subscribes `handler`; replicas of a service share the requests.

    The body is read here rather than by FastStream's injection, which costs as much as a query.
    """
    broker.subscriber(
        handler.request.subject(),
        queue=service,
        max_workers=CONCURRENT_REQUESTS,
        decoder=_undecoded,
    )(_responder(handler.request, handler.answer))


async def hang_up(broker: NatsBroker) -> None:
    """Takes no new request, and answers those at hand; the connection stays.

    FastStream would first drop what arrives and then unsubscribe: here the broker is told first,
    and sends what comes to another replica.
    """
    for subscriber in cast("list[Any]", broker.subscribers):
        subscription: Subscription | None = subscriber.subscription
        if subscription is not None:
            subscriber.subscription = None
            await subscription.drain()
    await asyncio.gather(*(subscriber.stop() for subscriber in broker.subscribers))


async def _undecoded(message: NatsMessage) -> NatsMessage:
    return message


def _responder(
    request: type[Request[Any]], answer: Callable[[Any], Awaitable[Contract]]
) -> Callable[[NatsMessage], Awaitable[NatsResponse]]:
    name = request.__name__

    async def respond(message: NatsMessage) -> NatsResponse:
        headers = message.headers
        why = Causation(headers.get(CORRELATION_HEADER) or causation.new_id())
        with causation.because_of(why), telemetry.span(name, SpanKind.SERVER, headers):
            try:
                asked = request.model_validate_json(message.body)
            except ValidationError as error:
                return malformed(error)
            return await _answer(name, answer, asked)

    return respond


async def _answer(
    name: str, answer: Callable[[Any], Awaitable[Contract]], body: Any
) -> NatsResponse:
    started, outcome = time.perf_counter(), "answered"
    try:
        return NatsResponse((await answer(body)).model_dump_json().encode())
    except ProblemError as problem:
        outcome = "refused"
        return problem_response(problem.as_problem())
    except (UnavailableError, psycopg.OperationalError, PoolTimeout) as error:
        outcome = "unavailable"
        _log.warning(
            "a request met a dependency that is away", request=name, **telemetry.told(error)
        )
        message = "A part of the system does not answer at the moment; try again."
        return problem_response(Problem(code=UNAVAILABLE, message=message, details={}))
    except Exception as error:  # noqa: BLE001 - the caller gets an answer, the log the cause
        outcome = "failed"
        _log.error("a request failed", request=name, **telemetry.told(error))
        message = "Something went wrong on our side."
        return problem_response(Problem(code="internal", message=message, details={}))
    finally:
        ANSWERED.labels(name, outcome).observe(time.perf_counter() - started)


def problem_response(problem: Problem) -> NatsResponse:
    """A reply that the caller's side raises as `ProblemError`."""
    return NatsResponse(problem.model_dump_json().encode(), headers={PROBLEM_HEADER: problem.code})


def malformed(error: ValidationError) -> NatsResponse:
    """The reply to a request that is not of its model: `invalid`, with the first field's name."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return problem_response(
        Problem(code="invalid", message=f"{field}: {first['msg']}", details={"field": field})
    )
