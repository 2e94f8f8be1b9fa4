"""The client, for threads and for asyncio. What the calls do is in steps.py and back_office.py, once for both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Literal

from . import back_office
from .back_office import (
    Accepted,
    AcceptedBroadcast,
    Broadcast,
    Capabilities,
    Entitlement,
    Event,
    Plan,
)
from .recommendations import AsyncRecommendations, Recommendations
from .steps import RetryPolicy
from .transport import Connection, run, run_async

TIMEOUT = 30.0
"""Seconds; Usher answers within five even while its database is away."""
UPLOAD_RETRIES = RetryPolicy(attempts=10, base=0.5)
"""A part outlasts a restart of the server, which takes seconds, and a failover of its database, which takes a minute or two."""


class Usher:
    """A client for back offices. May be used by several threads; close it, or use it in a `with` statement.

    Calls are repeated when that may help, with delays that grow at random, or as long as the server asks for. A call that was
    carried out although its response got lost has no second effect.

    A call that fails raises UsherError. An argument that cannot be sent raises ValueError before anything is sent: data that is
    no JSON (NaN, an object of yours), a time without a zone, an idempotency key that is not 1 to 255 ASCII characters.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = TIMEOUT,
        retries: RetryPolicy | None = None,
        upload_retries: RetryPolicy | None = None,
    ) -> None:
        """`url`: where Usher is. `key`: a service key with the scopes of the calls that are made: `publish`, `edge`, `admin`,
        `recommendations`. `timeout`: seconds without a byte from the server. Raises ValueError.
        """
        connection = Connection(url.rstrip("/"), key, timeout)
        self._policy = retries or RetryPolicy()
        self._client = connection.open_sync()
        self.plans = Plans(self)
        self.recommendations = Recommendations(connection, upload_retries or UPLOAD_RETRIES)

    def publish(
        self,
        events: Event | Sequence[Event],
        *,
        wait: Literal["received"] | None = None,
        idempotency_key: str | None = None,
    ) -> list[Accepted]:
        """Publishes 1 to 1,000 events, all or none (scope `publish`). Returns when they are committed.

        `wait="received"` (at most 100 events) waits for the devices that are connected, and says what became of each event.
        Pass an `idempotency_key` of your own, such as the id of your job, so that running the job again publishes nothing twice
        (for a day).
        """
        steps = back_office.publish(events, wait, idempotency_key, self._policy)
        return run(steps, self._client, time.sleep)

    def broadcast(
        self, event: Broadcast, *, idempotency_key: str | None = None
    ) -> AcceptedBroadcast:
        """Publishes an event to every device of every user (scope `publish`). Returns when it is committed.

        For `idempotency_key` see publish.
        """
        steps = back_office.broadcast(event, idempotency_key, self._policy)
        return run(steps, self._client, time.sleep)

    def entitlement(self, user_id: str) -> Entitlement:
        """Returns what a user may do now (scope `edge`), read from the database for each call."""
        return run(back_office.entitlement(user_id, self._policy), self._client, time.sleep)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Usher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Plans:
    """`usher.plans`: the plan catalogue (scope `admin`)."""

    def __init__(self, usher: Usher) -> None:
        self._usher = usher

    def put(
        self, plan_id: str, *, name: str, prices: Sequence[str], capabilities: Capabilities
    ) -> Plan:
        """Creates the plan, or replaces it: changed capabilities reach all of its users. Returns it as it is stored."""
        plan = Plan(plan_id, name, tuple(prices), capabilities)
        return run(back_office.put_plan(plan, self._usher._policy), self._usher._client, time.sleep)


class AsyncUsher:
    """The same client for asyncio. Use it in an `async with` statement, or `await aclose()`."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = TIMEOUT,
        retries: RetryPolicy | None = None,
        upload_retries: RetryPolicy | None = None,
    ) -> None:
        """See Usher."""
        connection = Connection(url.rstrip("/"), key, timeout)
        self._policy = retries or RetryPolicy()
        self._client = connection.open_async()
        self.plans = AsyncPlans(self)
        self.recommendations = AsyncRecommendations(connection, upload_retries or UPLOAD_RETRIES)

    async def publish(
        self,
        events: Event | Sequence[Event],
        *,
        wait: Literal["received"] | None = None,
        idempotency_key: str | None = None,
    ) -> list[Accepted]:
        """See Usher.publish."""
        steps = back_office.publish(events, wait, idempotency_key, self._policy)
        return await run_async(steps, self._client)

    async def broadcast(
        self, event: Broadcast, *, idempotency_key: str | None = None
    ) -> AcceptedBroadcast:
        """See Usher.broadcast."""
        steps = back_office.broadcast(event, idempotency_key, self._policy)
        return await run_async(steps, self._client)

    async def entitlement(self, user_id: str) -> Entitlement:
        """See Usher.entitlement."""
        return await run_async(back_office.entitlement(user_id, self._policy), self._client)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> AsyncUsher:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


class AsyncPlans:
    """`usher.plans` of AsyncUsher."""

    def __init__(self, usher: AsyncUsher) -> None:
        self._usher = usher

    async def put(
        self, plan_id: str, *, name: str, prices: Sequence[str], capabilities: Capabilities
    ) -> Plan:
        """See Plans.put."""
        plan = Plan(plan_id, name, tuple(prices), capabilities)
        return await run_async(back_office.put_plan(plan, self._usher._policy), self._usher._client)
