"""What became of a push."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

MAX_LISTED = 1_000
"""Rejected rows that a Summary lists; all of them are in the file of the rejected rows."""


@dataclass(frozen=True)
class Rejected:
    """Rows of the source that are not in Usher."""

    line: int
    """The line of the file, or the number of the row, from 1."""
    code: str
    """One of the contract's error codes; `unlisted` for rows that the server counted and did not list."""
    by: Literal["client", "server"]
    message: str = ""
    last_line: int | None = None
    """With `unlisted`: the rows are somewhere from `line` to here."""
    count: int = 1

    def to_json(self) -> dict[str, Any]:
        """Returns what rejected.ndjson has of it."""
        value: dict[str, Any] = {"line": self.line, "code": self.code, "by": self.by}
        if self.message:
            value["message"] = self.message
        if self.last_line is not None:
            value |= {"lastLine": self.last_line, "count": self.count}
        return value


@dataclass
class Summary:
    """How many rows had which outcome. They add up to `rows`, unless the push ended early.

    After a part was sent again, `unchanged` includes the rows that its first attempt had brought in.
    """

    rows: int = 0
    """Rows that were read; empty lines are none."""
    accepted: int = 0
    unchanged: int = 0
    conflicting: int = 0
    """Of the unchanged, those with other items than Usher has: it keeps its own."""
    stale: int = 0
    rejected_count: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    """The first thousand."""
    parts: int = 0
    """Parts that are in Usher, those of an earlier run included."""
    resumed_parts: int = 0
    """Parts that an earlier run had brought in."""
    attempts: int = 0
    """Requests that were sent."""
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)
    """What is probably a mistake, in sentences for people."""

    def to_json(self) -> dict[str, Any]:
        """Returns the counts and the warnings, without the rejected rows."""
        return {
            "rows": self.rows,
            "accepted": self.accepted,
            "unchanged": self.unchanged,
            "conflicting": self.conflicting,
            "stale": self.stale,
            "rejectedCount": self.rejected_count,
            "parts": self.parts,
            "resumedParts": self.resumed_parts,
            "attempts": self.attempts,
            "seconds": round(self.seconds, 3),
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class Progress:
    """How far a push is."""

    fraction: float | None
    """Of the source that has been read, from 0 to 1; None when its length is unknown."""
    rows: int
    """Rows of finished parts, and rejected ones."""
    rejected: int


OnProgress: TypeAlias = Callable[[Progress], None]
