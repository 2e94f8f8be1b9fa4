"""What calls consist of, without any input or output, so that it is written once for threads and for asyncio.

A call is a generator of *steps*. It yields a `Request` and is sent the `Response` (or `NoResponse`), or yields a `Wait`
and is sent None. The transports in transport.py carry the steps out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from .errors import UsherError

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """An HTTP request. `path` begins with `/`; ids in it are percent-encoded."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Response:
    """An HTTP response that arrived whole. The names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class NoResponse:
    """The connection failed, broke or timed out. `reason` is the kind of failure and holds nothing secret."""

    reason: str


@dataclass(frozen=True)
class Wait:
    """A pause of so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Done(Generic[T]):
    """The end of a call, with what it returns."""

    result: T


Steps: TypeAlias = Generator["Request | Wait", "Response | NoResponse | None", T]


def advance(steps: Steps[T], outcome: Response | NoResponse | None) -> Request | Wait | Done[T]:
    """Returns the next step after one with this outcome (None at first and after a Wait). Raises what ends the call."""
    try:
        return steps.send(outcome)
    except StopIteration as stop:
        return Done(stop.value)


@dataclass(frozen=True)
class RetryPolicy:
    """When a call is tried again. Only what the server calls retryable is, and a call without a response.

    All calls of this package may be repeated: each has an idempotency key, or no second effect.
    """

    attempts: int = 6
    """Attempts of one call, the first included."""
    base: float = 0.25
    """Seconds; the delay before attempt n is random between 0 and base * 2^n (full jitter)."""
    longest: float = 30.0
    """Seconds; no random delay is longer."""
    patience: float = 300.0
    """Seconds; when the server asks for a longer delay (`Retry-After`) the error is raised at once."""
    random: Callable[[], float] = random.random

    def delay(self, attempt: int, retry_after: float | None) -> float:
        """Returns the seconds to wait after `attempt` (from 0) failed: never less than the server asked for."""
        spread = min(self.longest, self.base * 2.0**attempt) * self.random()
        # Those who were told the same second must not all come in it.
        return (
            spread if retry_after is None else retry_after + min(spread, 0.1 * retry_after + 0.25)
        )

    def gives_up(self, attempt: int, error: UsherError) -> bool:
        """Returns whether the error of `attempt` (from 0) is final."""
        if not error.retryable or attempt + 1 >= self.attempts:
            return True
        return error.retry_after is not None and error.retry_after > self.patience


def attempts(request: Request, read: Callable[[Response], T], policy: RetryPolicy) -> Steps[T]:
    """Sends the request until `read` returns, which raises UsherError for a response that is none. Raises the last error."""
    for attempt in range(policy.attempts):
        outcome = yield request
        try:
            if isinstance(outcome, Response):
                return read(outcome)
            reason = outcome.reason if outcome is not None else "nothing"
            raise UsherError(
                "no_response", f"No response from the server: {reason}", retryable=True
            )
        except UsherError as error:
            if policy.gives_up(attempt, error):
                raise
            delay = policy.delay(attempt, error.retry_after)
        yield Wait(delay)
    raise AssertionError("the last attempt returns or raises")
