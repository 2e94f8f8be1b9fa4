"""The calls of back offices besides recommendations: publish, entitlement, plans. Shapes: docs/CONTRACT.md."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Literal, TypeAlias, TypeVar
from urllib.parse import quote

from .errors import UsherError, error_of
from .steps import Request, Response, RetryPolicy, Steps, attempts

T = TypeVar("T")
_KEY = re.compile(r"(?=.{1,255}\Z)[!-~]([ -~]*[!-~])?")
"""What a header carries unchanged: blanks at its ends would be lost."""

Tier: TypeAlias = Literal["critical", "important", "routine"]
DeviceState: TypeAlias = Literal["asleep", "sent", "received", "applied", "seen"]


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event for a user's devices. `data` is any JSON of at most 16 KiB."""

    user_id: str
    type: str
    tier: Tier
    data: Any
    key: str | None = None
    """What the event supersedes: of one user's events with the same key only the newest is kept."""
    profile_id: str | None = None
    device_id: str | None = None
    """The one device that it is for."""
    expires_at: datetime | None = None
    """With a time zone."""

    def to_json(self) -> dict[str, Any]:
        """Returns the event as the contract has it. Raises ValueError for a time without a zone."""
        optional = {
            "key": self.key,
            "profileId": self.profile_id,
            "deviceId": self.device_id,
            "expiresAt": None if self.expires_at is None else _instant(self.expires_at),
        }
        present = {name: value for name, value in optional.items() if value is not None}
        return {
            "userId": self.user_id,
            "type": self.type,
            "tier": self.tier,
            "data": self.data,
            **present,
        }


@dataclass(frozen=True)
class Accepted:
    """An event that Usher accepted, in the order of the call's events."""

    id: str
    offset: int | None
    """The position in the user's mailbox; None for a routine event, which is not stored."""
    devices: Mapping[str, DeviceState]
    """With `wait="received"`: what became of it on each device, by device id. Otherwise empty."""


@dataclass(frozen=True, kw_only=True)
class Broadcast:
    """An event for every device of every user. `data` is any JSON of at most 16 KiB."""

    type: str
    data: Any
    key: str | None = None
    """It supersedes the broadcast of this key."""
    expires_at: datetime | None = None
    """With a time zone, within 30 days; in seven days without one."""
    receipts: Literal["sample", "all"] | None = None
    """Whose devices are counted: those of a sample of the users, or of all."""

    def to_json(self) -> dict[str, Any]:
        """Returns the broadcast as the contract has it. Raises ValueError for a time without a zone."""
        optional = {
            "key": self.key,
            "expiresAt": None if self.expires_at is None else _instant(self.expires_at),
            "receipts": self.receipts,
        }
        present = {name: value for name, value in optional.items() if value is not None}
        return {"type": self.type, "data": self.data, **present}


@dataclass(frozen=True)
class AcceptedBroadcast:
    """A broadcast that Usher has stored."""

    id: str
    number: int
    """Its place in the log; greater for each later one, not always by one."""


@dataclass(frozen=True)
class Capabilities:
    """What a plan allows."""

    streaming: bool
    max_streams: int
    max_quality: str | int
    downloads: bool
    ads: bool

    def to_json(self) -> dict[str, Any]:
        """Returns the capabilities as the contract has them."""
        return {
            "streaming": self.streaming,
            "maxStreams": self.max_streams,
            "maxQuality": self.max_quality,
            "downloads": self.downloads,
            "ads": self.ads,
        }


@dataclass(frozen=True)
class Entitlement:
    """What a user may do now. An unknown user has version 0 and may do nothing."""

    user_id: str
    version: int
    """Only grows; never act on a lower one than you know."""
    status: str
    plan_id: str | None
    capabilities: Capabilities
    checked_at: datetime


@dataclass(frozen=True)
class Plan:
    """A plan, and the payment processor's prices that pay for it."""

    plan_id: str
    name: str
    prices: tuple[str, ...]
    capabilities: Capabilities


def publish(
    events: Event | Sequence[Event],
    wait: Literal["received"] | None,
    idempotency_key: str | None,
    policy: RetryPolicy,
) -> Steps[list[Accepted]]:
    """The steps of `POST /v1/events`."""
    listed = [events] if isinstance(events, Event) else list(events)
    path = "/v1/events" if wait is None else f"/v1/events?wait={wait}"
    body = {"events": [event.to_json() for event in listed]}
    request = _json_request("POST", path, body, idempotency_key)
    return attempts(
        request, _reader(202, lambda value: [_accepted(one) for one in value["accepted"]]), policy
    )


def broadcast(
    event: Broadcast, idempotency_key: str | None, policy: RetryPolicy
) -> Steps[AcceptedBroadcast]:
    """The steps of `POST /v1/broadcasts`."""
    request = _json_request("POST", "/v1/broadcasts", event.to_json(), idempotency_key)
    return attempts(
        request, _reader(202, lambda one: AcceptedBroadcast(one["id"], one["number"])), policy
    )


def entitlement(user_id: str, policy: RetryPolicy) -> Steps[Entitlement]:
    """The steps of `GET /v1/users/{userId}/entitlement`."""
    request = Request("GET", f"/v1/users/{_segment(user_id)}/entitlement")
    return attempts(request, _reader(200, _entitlement), policy)


def put_plan(plan: Plan, policy: RetryPolicy) -> Steps[Plan]:
    """The steps of `PUT /v1/plans/{planId}`."""
    body = {
        "name": plan.name,
        "prices": list(plan.prices),
        "capabilities": plan.capabilities.to_json(),
    }
    request = _json_request("PUT", f"/v1/plans/{_segment(plan.plan_id)}", body, None)
    return attempts(request, _reader(200, _plan), policy)


def _json_request(method: str, path: str, body: Any, idempotency_key: str | None) -> Request:
    """A request that has its effect once, however often it is sent: the key is made here, before the first attempt.

    Raises ValueError for a body or a key that cannot be sent.
    """
    if idempotency_key is not None and not _KEY.fullmatch(idempotency_key):
        raise ValueError(
            "An idempotency key is 1 to 255 ASCII characters, with no blank at either end"
        )
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": idempotency_key if idempotency_key is not None else str(uuid.uuid4()),
    }
    return Request(method, path, headers, _encode(body))


def _encode(body: Any) -> bytes:
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise ValueError(f"This cannot be sent as JSON: {error}") from error


def _segment(identifier: str) -> str:
    """Returns an id as a segment of a path. A segment of dots would mean another path."""
    encoded = quote(identifier, safe="")
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded


def _reader(status: int, of: Callable[[Any], T]) -> Callable[[Response], T]:
    def read(response: Response) -> T:
        if response.status != status:
            raise error_of(response)
        try:
            return of(json.loads(response.body))
        except (ValueError, KeyError, TypeError) as error:
            detail = "The response is not Usher's; is the URL right?"
            raise UsherError("not_understood", detail, status=response.status) from error

    return read


def _accepted(value: Any) -> Accepted:
    devices = {one["deviceId"]: one["state"] for one in value.get("devices", [])}
    return Accepted(value["id"], value.get("offset"), devices)


def _capabilities(value: Any) -> Capabilities:
    return Capabilities(
        value["streaming"],
        value["maxStreams"],
        value["maxQuality"],
        value["downloads"],
        value["ads"],
    )


def _entitlement(value: Any) -> Entitlement:
    return Entitlement(
        value["userId"],
        value["version"],
        value["status"],
        value["planId"],
        _capabilities(value["capabilities"]),
        datetime.fromisoformat(value["checkedAt"].replace("Z", "+00:00")),
    )


def _plan(value: Any) -> Plan:
    return Plan(
        value["planId"], value["name"], tuple(value["prices"]), _capabilities(value["capabilities"])
    )


def _instant(time: datetime) -> str:
    if time.tzinfo is None:
        raise ValueError("A time needs a time zone, as in datetime.now(timezone.utc)")
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
