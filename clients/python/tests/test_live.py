"""Against a real Usher, when USHER_URL, USHER_SERVICE_KEY and USHER_JWT_SECRET say where one is."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from usher import AsyncUsher, Capabilities, Event, TokenSigner, Usher, UsherError
from usher.recommendations.rows import InvalidRow, page_of_line

from .conftest import QUICK
from .cut_line import REFUSED, Lost, cut_line
from .test_rows import INVALID, VALID

URL = os.environ.get("USHER_URL", "")
KEY = os.environ.get("USHER_SERVICE_KEY", "")
SECRET = os.environ.get("USHER_JWT_SECRET", "")
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        not (URL and KEY and SECRET),
        reason="live: USHER_URL, USHER_SERVICE_KEY, USHER_JWT_SECRET unset",
    ),
]


@pytest.fixture
def usher() -> Iterator[Usher]:
    with Usher(URL, KEY) as client:
        yield client


@pytest.fixture
def user() -> str:
    """A user of this test alone."""
    return f"py-{uuid.uuid4().hex[:12]}"


def get(path: str, token: str) -> httpx.Response:
    return httpx.get(f"{URL}{path}", headers={"Authorization": f"Bearer {token}"}, timeout=20)


def as_user(user: str, path: str) -> Any:
    response = get(path, TokenSigner(SECRET).sign(user))
    assert response.status_code == 200, response.text
    return response.json()


def test_what_is_published_is_in_the_users_state_once_for_one_key(usher: Usher, user: str) -> None:
    event = Event(
        user_id=user, type="promo.started", tier="important", key="promo", data={"title": "é"}
    )
    key = uuid.uuid4().hex
    first = usher.publish(event, idempotency_key=key)
    assert usher.publish(event, idempotency_key=key) == first
    [entry] = as_user(user, "/v1/me/state")["entries"]
    assert (entry["id"], entry["offset"], entry["data"]) == (first[0].id, 1, {"title": "é"})


def test_the_async_client_publishes_and_hears_what_became_of_it(user: str) -> None:
    async def main() -> Any:
        async with AsyncUsher(URL, KEY) as usher:
            event = Event(user_id=user, type="tip.shown", tier="important", data=1)
            return await usher.publish([event], wait="received")

    [accepted] = asyncio.run(main())
    assert (accepted.offset, accepted.devices) == (1, {})


def test_a_refusal_is_the_contracts(usher: Usher, user: str) -> None:
    with pytest.raises(UsherError) as caught:
        usher.publish(Event(user_id=user, type="membership.changed", tier="critical", data=1))
    assert (caught.value.code, caught.value.status, caught.value.retryable) == (
        "reserved_type",
        422,
        False,
    )
    with Usher(URL, "usk_nobody_nothing") as stranger, pytest.raises(UsherError) as refused:
        stranger.entitlement(user)
    assert (refused.value.code, refused.value.is_about_credentials) == ("unauthorized", True)


def test_a_stranger_may_do_nothing_and_a_plan_is_stored_as_it_was_sent(
    usher: Usher, user: str
) -> None:
    entitlement = usher.entitlement(user)
    assert (entitlement.version, entitlement.status, entitlement.plan_id) == (0, "none", None)
    assert not entitlement.capabilities.streaming
    capabilities = Capabilities(
        streaming=True, max_streams=2, max_quality="hd", downloads=False, ads=True
    )
    plan = usher.plans.put(
        f"plan-{user}", name="Família", prices=[f"price-{user}"], capabilities=capabilities
    )
    assert (plan.plan_id, plan.name, plan.capabilities) == (f"plan-{user}", "Família", capabilities)


def test_a_token_is_accepted_and_one_of_another_secret_or_audience_is_not(user: str) -> None:
    good = TokenSigner(SECRET).sign(user)
    assert get("/v1/me/state", good).status_code == 200
    for signer in (TokenSigner(SECRET[::-1] + "x" * 32), TokenSigner(SECRET, audience="another")):
        assert get("/v1/me/state", signer.sign(user)).json()["code"] == "token_invalid"


def test_recommendations_are_read_back_as_they_were_pushed(
    usher: Usher, user: str, tmp_path: Path
) -> None:
    rows = [
        {
            "userId": f"{user}-{n}",
            "profileId": "kids",
            "version": 7,
            "items": [{"id": n, "é": "😀"}],
        }
        for n in range(1_500)
    ]
    lines = [json.dumps(row) for row in rows]
    lines[3:3] = ["", "{]"]
    path = tmp_path / "nightly.ndjson"
    path.write_text("\n".join(lines))
    summary = usher.recommendations.push(path, part=400)
    assert (summary.rows, summary.accepted, summary.rejected_count, summary.parts) == (
        1_501,
        1_500,
        1,
        4,
    )
    assert [(one.line, one.by) for one in summary.rejected] == [(5, "client")]
    for n in (0, 399, 400, 1_499):
        assert as_user(f"{user}-{n}", "/v1/me/recommendations/kids") == {
            "profileId": "kids",
            "version": 7,
            "items": rows[n]["items"],
        }
    again = usher.recommendations.push(path, part=400)
    assert (again.unchanged, again.warnings) == (1_500, [])


@pytest.mark.parametrize("lost", ["request", "response"])
def test_a_push_through_a_line_that_is_cut_brings_every_row_in_once(user: str, lost: Lost) -> None:
    rows = [
        {"userId": f"{user}-{n}", "version": 7, "items": [uuid.uuid4().hex for _ in range(4)]}
        for n in range(2_000)
    ]
    with (
        cut_line(URL, after=60_000, lost=lost) as line,
        Usher(line.url, KEY, upload_retries=QUICK) as usher,
    ):
        summary = usher.recommendations.push(rows, part=500)
    assert (line.cuts, line.refused) == (1, REFUSED)
    assert (summary.parts, summary.rows) == (4, 2_000)
    assert summary.attempts > summary.parts
    # Rows that an attempt had brought in before the cut are unchanged when they come again.
    assert summary.accepted + summary.unchanged == 2_000
    assert (summary.rejected_count, summary.stale, summary.conflicting) == (0, 0, 0)
    for n in (0, 499, 500, 1_999):
        assert as_user(f"{user}-{n}", "/v1/me/recommendations/main")["items"] == rows[n]["items"]


def test_a_publish_whose_response_was_lost_is_in_the_users_state_once(user: str) -> None:
    event = Event(user_id=user, type="tip.shown", tier="important", key="tip", data=1)
    with (
        cut_line(URL, after=1, lost="response") as line,
        Usher(line.url, KEY, retries=QUICK) as usher,
    ):
        [accepted] = usher.publish(event)
    assert (line.cuts, accepted.offset) == (1, 1)
    state = as_user(user, "/v1/me/state")
    assert (state["position"]["offset"], len(state["entries"])) == (1, 1)


def test_the_same_version_with_other_items_is_warned_of(usher: Usher, user: str) -> None:
    usher.recommendations.push([{"userId": user, "version": 1, "items": ["old"]}])
    summary = usher.recommendations.push([{"userId": user, "version": 1, "items": ["new"]}])
    assert (summary.unchanged, summary.conflicting, len(summary.warnings)) == (1, 1, 1)
    assert as_user(user, "/v1/me/recommendations/main")["items"] == ["old"]


def test_the_server_rejects_the_same_lines_as_this_package(user: str) -> None:
    texts = [*VALID, *(text for text, _ in INVALID)]
    # A user of its own for each valid line, so that none counts as unchanged.
    bodies = [
        text.strip().replace(b'"ada"', f'"{user}-{n}"'.encode()) for n, text in enumerate(texts)
    ]
    response = httpx.post(
        f"{URL}/v1/recommendations",
        content=b"\n".join(bodies),
        headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/x-ndjson"},
        timeout=60,
    )
    totals = json.loads(response.text.strip().splitlines()[-1])
    server = {one["line"]: one["code"] for one in totals["rejected"]}
    # A line that is not UTF-8 is taken by the server, with its damaged characters replaced.
    client = {
        n: content.code
        for n, text in enumerate(bodies, 1)
        if isinstance(content := page_of_line(text), InvalidRow) and b"\xff" not in text
    }
    assert server == client
