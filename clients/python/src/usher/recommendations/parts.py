"""Cuts the rows into parts, each of which is one request."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .rows import InvalidRow, Page
from .sources import Numbered

MAX_PART_BYTES = 32 * 1024 * 1024
"""Of a part before compression. Memory holds a few parts."""
MAX_PART_ROWS = 1_000_000

_GZIP = 31  # zlib's window bits for the gzip format


@dataclass(frozen=True)
class Part:
    """Rows that are sent together."""

    body: bytes
    """NDJSON, not compressed."""
    numbers: array[int]
    """The place in the source of each of its lines, from 1."""
    digest: str
    """Of the body and of where it begins: what the journal knows it by."""
    repeated: int
    """Rows that repeat the user, profile and version of an earlier row of this part with other content."""
    versions: frozenset[type]
    """The kinds of version in it: int, str."""

    @property
    def rows(self) -> int:
        return len(self.numbers)

    @property
    def first(self) -> int:
        """The place in the source of its first line."""
        return self.numbers[0]

    @property
    def last(self) -> int:
        return self.numbers[-1]

    def number_of(self, line: int) -> int | None:
        """Returns where the server's line (from 1) is in the source; None for one that the part does not have."""
        return self.numbers[line - 1] if 1 <= line <= self.rows else None

    def select(self, lines: Iterable[int]) -> Part:
        """Returns a part of these lines (from 1) alone."""
        all_lines = self.body.split(b"\n")
        chosen = [line for line in lines if 1 <= line <= self.rows]
        numbers = array("Q", (self.numbers[line - 1] for line in chosen))
        body = b"".join(all_lines[line - 1] + b"\n" for line in chosen)
        return Part(body, numbers, "", 0, frozenset())


def split(
    rows: Iterable[Numbered],
    part_rows: int,
    reject: Callable[[int, InvalidRow], None],
    part_bytes: int = MAX_PART_BYTES,
) -> Iterator[Part]:
    """Yields the valid rows in parts of at most `part_rows` and `part_bytes`; hands the others to `reject`.

    The cuts depend on nothing but the rows, so that a later run finds the same parts.
    """
    builder = _Builder()
    for number, content in rows:
        if isinstance(content, InvalidRow):
            reject(number, content)
            continue
        if builder.lines and builder.bytes + len(content.line) + 1 > part_bytes:
            yield builder.take()
        builder.add(number, content)
        if len(builder.lines) >= part_rows:
            yield builder.take()
    if builder.lines:
        yield builder.take()


class _Builder:
    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.lines: list[bytes] = []
        self.bytes = 0
        self._numbers = array("Q")
        self._seen: dict[tuple[str, str, int | str], int] = {}
        self._repeated = 0
        self._versions: set[type] = set()

    def add(self, number: int, page: Page) -> None:
        self.lines.append(page.line)
        self.bytes += len(page.line) + 1
        self._numbers.append(number)
        self._versions.add(type(page.version))
        content = hash(page.line)
        first = self._seen.setdefault((page.user_id, page.profile_id, page.version), content)
        self._repeated += first != content

    def take(self) -> Part:
        self.lines.append(b"")
        body = b"\n".join(self.lines)
        digest = hashlib.blake2b(
            body, digest_size=16, key=str(self._numbers[0]).encode()
        ).hexdigest()
        part = Part(body, self._numbers, digest, self._repeated, frozenset(self._versions))
        self._clear()
        return part


def compress(body: bytes) -> bytes:
    """Returns the body as gzip of level 1."""
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    return packer.compress(body) + packer.flush()
