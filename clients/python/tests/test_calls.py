"""publish, entitlement and plans, and how they are repeated; sync and async alike."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

import pytest

from usher import (
    Accepted,
    AcceptedBroadcast,
    AsyncUsher,
    Broadcast,
    Capabilities,
    Event,
    Plan,
    RetryPolicy,
    Usher,
    UsherError,
)
from usher.steps import Request as Call
from usher.steps import Response, Wait, attempts

from .conftest import QUICK
from .pretend_usher import (
    KEY,
    Fault,
    PretendUsher,
    carried_out_and_dropped,
    dropped,
    page_of_a_proxy,
    refused_with,
)

T = TypeVar("T")
PROMO = Event(
    user_id="ada", type="promo.started", tier="important", key="promo", data={"title": "é"}
)
PREMIUM = Capabilities(streaming=True, max_streams=4, max_quality="4k", downloads=True, ads=False)


def in_async(pretend: PretendUsher, call: Callable[[AsyncUsher], Awaitable[T]]) -> T:
    async def main() -> T:
        async with AsyncUsher(pretend.url, KEY, retries=QUICK) as usher:
            return await call(usher)

    return asyncio.run(main())


def test_an_event_is_sent_as_the_contract_has_it(pretend: PretendUsher, usher: Usher) -> None:
    pretend.keep_bodies = True
    berlin = timezone(timedelta(hours=1))
    event = Event(
        user_id="ada",
        type="promo.started",
        tier="critical",
        data=None,
        device_id="tv",
        profile_id="main",
        expires_at=datetime(2026, 11, 26, 1, 30, tzinfo=berlin),
    )
    usher.publish([PROMO, event], wait="received")
    assert pretend.requests[0][:2] == ("POST", "/v1/events?wait=received")
    assert json.loads(pretend.bodies[0]) == {
        "events": [
            {
                "userId": "ada",
                "type": "promo.started",
                "tier": "important",
                "key": "promo",
                "data": {"title": "é"},
            },
            {
                "userId": "ada",
                "type": "promo.started",
                "tier": "critical",
                "data": None,
                "deviceId": "tv",
                "profileId": "main",
                "expiresAt": "2026-11-26T00:30:00.000Z",
            },
        ]
    }


def test_a_broadcast_is_sent_as_the_contract_has_it(pretend: PretendUsher, usher: Usher) -> None:
    pretend.keep_bodies = True
    expires_at = datetime(2026, 11, 26, 1, 30, tzinfo=timezone.utc)
    event = Broadcast(type="notice", data={"n": 1}, key="k", expires_at=expires_at, receipts="all")
    assert usher.broadcast(event, idempotency_key="one") == AcceptedBroadcast("one", 7)
    with pytest.raises(ValueError, match="zone"):
        usher.broadcast(Broadcast(type="notice", data=1, expires_at=datetime(2026, 11, 26)))
    bare = in_async(pretend, lambda usher: usher.broadcast(Broadcast(type="notice", data=None)))
    assert bare.number == 7
    assert [path for _, path, _ in pretend.requests] == ["/v1/broadcasts"] * 2
    assert [json.loads(body) for body in pretend.bodies] == [
        {
            "type": "notice",
            "data": {"n": 1},
            "key": "k",
            "expiresAt": "2026-11-26T01:30:00.000Z",
            "receipts": "all",
        },
        {"type": "notice", "data": None},
    ]


def test_a_time_without_a_zone_is_refused_before_anything_is_sent(
    pretend: PretendUsher, usher: Usher
) -> None:
    late = Event(user_id="ada", type="a.b", tier="routine", data=1, expires_at=datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="time zone"):
        usher.publish(late)
    assert pretend.requests == []


def test_entitlement_and_plans_are_read_as_typed_values(
    pretend: PretendUsher, usher: Usher
) -> None:
    entitlement = usher.entitlement("a:da")
    assert (entitlement.user_id, entitlement.version, entitlement.capabilities) == (
        "a%3Ada",
        2,
        PREMIUM,
    )
    assert entitlement.checked_at == datetime(2026, 11, 20, 8, 47, 46, 695_000, timezone.utc)
    plan = usher.plans.put("family", name="Family", prices=["p1"], capabilities=PREMIUM)
    assert plan == Plan("family", "Family", ("p1",), PREMIUM)


def test_the_async_client_does_the_same(pretend: PretendUsher) -> None:
    pretend.faults.extend([dropped, refused_with(503, "draining")])

    async def calls(usher: AsyncUsher) -> tuple[list[Accepted], Any, Plan]:
        published = await usher.publish(PROMO, idempotency_key="k")
        plan = await usher.plans.put("p", name="P", prices=[], capabilities=PREMIUM)
        return published, await usher.entitlement("ada"), plan

    published, entitlement, plan = in_async(pretend, calls)
    assert published == [Accepted("k-0", 1, {})]
    assert (entitlement.status, plan.plan_id) == ("active", "p")
    assert [path for _, path, _ in pretend.requests[:3]] == ["/v1/events"] * 3


@pytest.mark.parametrize(
    "fault",
    [
        dropped,
        refused_with(503, "unavailable"),
        refused_with(429, "rate_limited", retry_after="0"),
        refused_with(409, "idempotency_in_progress"),
        page_of_a_proxy(502),
        carried_out_and_dropped,
    ],
)
def test_a_call_that_failed_is_repeated_with_its_key_and_has_its_effect_once(
    pretend: PretendUsher, usher: Usher, fault: Fault
) -> None:
    pretend.faults.extend([fault, fault])
    assert len(usher.publish(PROMO)) == 1
    keys = {headers["idempotency-key"] for _, _, headers in pretend.requests}
    assert len(pretend.requests) == 3
    assert len(keys) == len(pretend.published) == 1


@pytest.mark.parametrize("data", [float("nan"), object(), {("a", 1): 1}, "\ud800"])
def test_data_that_is_no_json_is_refused_before_anything_is_sent(
    pretend: PretendUsher, usher: Usher, data: Any
) -> None:
    with pytest.raises(ValueError, match="JSON"):
        usher.publish(Event(user_id="ada", type="promo.started", tier="important", data=data))
    assert pretend.requests == []


@pytest.mark.parametrize("key", ["", "zürich", " a", "a ", "a\nb", "x" * 256])
def test_an_idempotency_key_that_cannot_be_one_is_refused(
    pretend: PretendUsher, usher: Usher, key: str
) -> None:
    with pytest.raises(ValueError, match="idempotency key"):
        usher.publish(PROMO, idempotency_key=key)
    assert pretend.requests == []


@pytest.mark.parametrize("key", ["a", "nightly of 2026-11-26", "x" * 255])
def test_an_idempotency_key_arrives_as_it_is(pretend: PretendUsher, usher: Usher, key: str) -> None:
    usher.publish(PROMO, idempotency_key=key)
    assert pretend.requests[0][2]["idempotency-key"] == key


@pytest.mark.parametrize(
    ("user_id", "path"),
    [
        ("..", "/v1/users/%2E%2E/entitlement"),
        (".", "/v1/users/%2E/entitlement"),
        ("a.b", "/v1/users/a.b/entitlement"),
        ("a/b", "/v1/users/a%2Fb/entitlement"),
    ],
)
def test_an_id_is_one_segment_of_the_path(
    pretend: PretendUsher, usher: Usher, user_id: str, path: str
) -> None:
    usher.entitlement(user_id)
    assert pretend.requests[0][1] == path


def test_two_calls_have_two_keys(pretend: PretendUsher, usher: Usher) -> None:
    usher.publish(PROMO)
    usher.publish(PROMO)
    assert len(pretend.published) == 2


def test_a_refusal_is_raised_at_once_with_what_the_server_said(
    pretend: PretendUsher, usher: Usher
) -> None:
    pretend.faults.append(refused_with(422, "unknown_device", retryable=False))
    with pytest.raises(UsherError) as caught:
        usher.publish(PROMO)
    error = caught.value
    assert (error.code, error.status, error.retryable, error.retry_after) == (
        "unknown_device",
        422,
        False,
        None,
    )
    assert error.problem["detail"] == "unknown_device"
    assert len(pretend.requests) == 1


def test_the_last_error_is_raised_when_the_attempts_are_used_up(
    pretend: PretendUsher, usher: Usher
) -> None:
    pretend.faults.extend([refused_with(503, "draining", retry_after="0")] * 10)
    with pytest.raises(UsherError) as caught:
        usher.entitlement("ada")
    assert (caught.value.code, caught.value.retryable) == ("draining", True)
    assert caught.value.retry_after == 0
    assert len(pretend.requests) == QUICK.attempts


def test_no_server_is_a_retryable_error_without_a_status() -> None:
    with Usher("http://127.0.0.1:1", KEY, retries=RetryPolicy(attempts=1)) as usher:
        with pytest.raises(UsherError) as caught:
            usher.entitlement("ada")
    assert (caught.value.code, caught.value.status, caught.value.retryable) == (
        "no_response",
        None,
        True,
    )


def test_a_page_that_is_not_ushers_is_named_and_not_repeated(
    pretend: PretendUsher, usher: Usher
) -> None:
    pretend.faults.append(page_of_a_proxy(200))
    with pytest.raises(UsherError) as caught:
        usher.entitlement("ada")
    assert caught.value.code == "not_understood"
    assert "secret" not in str(caught.value)


def waits_of(policy: RetryPolicy, responses: list[Response]) -> list[float]:
    """The delays between attempts, by a virtual clock: nothing is slept."""
    steps = attempts(Call("GET", "/"), lambda response: _raise(response), policy)
    waits: list[float] = []
    answer: Response | None = None
    queue = iter(responses)
    with pytest.raises(UsherError):
        while True:
            step = steps.send(answer)
            answer = None
            if isinstance(step, Wait):
                waits.append(step.seconds)
            else:
                answer = next(queue)
    return waits


def _raise(response: Response) -> None:
    from usher.errors import error_of

    raise error_of(response)


def test_delays_grow_at_random_up_to_the_longest() -> None:
    policy = RetryPolicy(attempts=6, base=1, longest=5, random=lambda: 0.5)
    assert waits_of(policy, [Response(503, {}, b"")] * 6) == [0.5, 1, 2, 2.5, 2.5]


def test_a_delay_is_never_shorter_than_the_server_asked_for() -> None:
    for random in (lambda: 0.0, lambda: 0.999):
        policy = RetryPolicy(attempts=2, random=random)
        [wait] = waits_of(policy, [Response(429, {"retry-after": "7"}, b"")] * 2)
        assert 7 <= wait < 9


def test_a_delay_that_is_longer_than_our_patience_is_left_to_the_caller() -> None:
    assert waits_of(RetryPolicy(patience=60), [Response(503, {"retry-after": "61"}, b"")]) == []


@pytest.mark.parametrize("key", ["", "a b", "usk_secret\n", "ключ"])
def test_a_key_that_cannot_be_one_is_refused_without_repeating_it(key: str) -> None:
    with pytest.raises(ValueError, match="key") as caught:
        Usher("http://127.0.0.1:1", key)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["usher.example.com", "ftp://x", "https://", "https://me:pass@x", "http://[::1"]
)
def test_a_url_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        Usher(url, KEY)
    assert "pass@" not in str(caught.value)


def test_the_key_is_in_no_log_error_or_representation(
    pretend: PretendUsher, usher: Usher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pretend.faults.extend([dropped, refused_with(403, "forbidden", retryable=False)])
    with pytest.raises(UsherError) as caught:
        usher.entitlement("ada")
    told = caplog.text + repr(caught.value) + repr(vars(usher)) + repr(vars(usher.recommendations))
    assert "entitlement" in caplog.text
    assert KEY not in told
