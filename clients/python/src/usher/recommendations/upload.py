"""Sends one part until it is in Usher, and reads the totals at the end of the response."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UsherError, error_of, problem_error
from ..steps import (
    Done,
    NoResponse,
    Request,
    Response,
    RetryPolicy,
    Steps,
    Wait,
    advance,
    attempts,
)
from .parts import Part, compress

PATH = "/v1/recommendations"
MAX_LISTED_BY_SERVER = 1_000


@dataclass(frozen=True)
class PartOutcome:
    """The server's totals of a part. They add up to its rows."""

    accepted: int
    unchanged: int
    stale: int
    rejected_count: int
    rejected: tuple[tuple[int, str], ...]
    """The line in the part, from 1, and the code; the server lists the first thousand."""
    attempts: int = 1
    conflicting: int = 0
    """Of the unchanged, those with other items than Usher has."""

    def to_json(self) -> dict[str, Any]:
        """Returns what the journal has of it."""
        return {
            "accepted": self.accepted,
            "unchanged": self.unchanged,
            "conflicting": self.conflicting,
            "stale": self.stale,
            "rejectedCount": self.rejected_count,
            "rejected": [{"line": line, "code": code} for line, code in self.rejected],
        }

    @staticmethod
    def from_json(value: dict[str, Any]) -> PartOutcome:
        """Raises KeyError, TypeError or ValueError for anything that is not the server's totals."""
        return PartOutcome(
            int(value["accepted"]),
            int(value["unchanged"]),
            int(value["stale"]),
            int(value["rejectedCount"]),
            tuple((int(one["line"]), str(one["code"])) for one in value["rejected"]),
            conflicting=int(value.get("conflicting", 0)),
        )

    @property
    def total(self) -> int:
        return self.accepted + self.unchanged + self.stale + self.rejected_count


def check(policy: RetryPolicy) -> Steps[PartOutcome]:
    """The steps that ask with an empty file whether the URL and the key are right. Raises UsherError.

    A refusal of a large body can get lost: the server does not receive all of it, and closes the connection.
    """
    headers = {"Content-Type": "application/x-ndjson"}
    return attempts(
        Request("POST", PATH, headers, b""), lambda response: read_totals(response, 0), policy
    )


def upload(part: Part, policy: RetryPolicy) -> Steps[PartOutcome]:
    """The steps that bring a part in. Lines that the server failed to write (`internal`) are sent once more by themselves.

    Sending anything again is harmless: a page is only replaced by a newer version. Raises UsherError.
    """
    outcome = yield from _send(part, policy)
    failed = [line for line, code in outcome.rejected if code == "internal"]
    if not failed:
        return outcome
    second = yield from _send(part.select(failed), policy)
    return _merge(outcome, second, failed)


def _send(part: Part, policy: RetryPolicy) -> Steps[PartOutcome]:
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    request = Request("POST", PATH, headers, compress(part.body))
    outcome, sent = yield from _counted(
        attempts(request, lambda response: read_totals(response, part.rows), policy)
    )
    return replace(outcome, attempts=sent)


def _counted(
    steps: Steps[PartOutcome],
) -> Generator[Request | Wait, Response | NoResponse | None, tuple[PartOutcome, int]]:
    """Passes the steps on, and returns beside their result how many requests were among them."""
    sent = 0
    outcome: Response | NoResponse | None = None
    while not isinstance(step := advance(steps, outcome), Done):
        sent += isinstance(step, Request)
        outcome = yield step
    return step.result, sent


def _merge(first: PartOutcome, second: PartOutcome, failed: list[int]) -> PartOutcome:
    still = [(failed[line - 1], code) for line, code in second.rejected if 1 <= line <= len(failed)]
    kept = [(line, code) for line, code in first.rejected if code != "internal"]
    return PartOutcome(
        first.accepted + second.accepted,
        first.unchanged + second.unchanged,
        first.stale + second.stale,
        first.rejected_count - len(failed) + second.rejected_count,
        tuple(sorted(kept + still)),
        first.attempts + second.attempts,
        first.conflicting + second.conflicting,
    )


def read_totals(response: Response, rows: int) -> PartOutcome:
    """Returns the totals of a response. Raises UsherError `missing_totals` if they are missing or do not cover all rows."""
    if response.status != 200:
        raise error_of(response)
    last = response.body.rstrip().rpartition(b"\n")[2]
    value = _object(last)
    if isinstance(problem := value.get("error"), dict) and isinstance(problem.get("code"), str):
        raise _failure(problem)
    try:
        outcome = PartOutcome.from_json(value)
    except (KeyError, TypeError, ValueError):
        raise UsherError(
            "missing_totals", "The response ended without totals", status=200, retryable=True
        ) from None
    if outcome.total != rows:
        detail = f"The totals are of {outcome.total} rows; {rows} were sent"
        raise UsherError("missing_totals", detail, status=200, retryable=True)
    return outcome


def _failure(problem: dict[str, Any]) -> UsherError:
    error = problem_error(problem, status=None)
    # The body is sound when it leaves us: broken gzip or a body cut short was damaged on its way.
    if error.code == "invalid_request":
        error.retryable = True
    return error


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
