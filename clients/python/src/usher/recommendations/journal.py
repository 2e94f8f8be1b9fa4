"""Remembers which parts are in Usher, so that a push goes on where an earlier one was killed.

A text file of JSON lines. The first names the server. `{"sending": digest}` is written before a part is sent for the first
time, `{"done": digest, …}` with the outcome after it came in, `{"finished": true}` at the end. A part is known by a digest of
its content: what changed in the source is sent again, whatever the file is called and whenever it was written.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from ..errors import SourceError, UsherError
from .upload import PartOutcome

try:
    import fcntl
except ImportError:  # Windows: two pushes of one file at once are not noticed there, and harmless
    fcntl = None  # type: ignore[assignment]

_FORMAT = 1
_MAX_KNOWN = 100_000
"""Digests of parts that are remembered."""


class Journal(Protocol):
    """What a push notes down."""

    def outcome_of(self, digest: str) -> PartOutcome | None:
        """Returns what became of the part in an earlier run that did not finish."""
        ...

    def was_sent(self, digest: str) -> bool:
        """Returns whether an earlier run has sent the part, or a piece of it."""
        ...

    def sending(self, digest: str) -> None: ...

    def done(self, digest: str, outcome: PartOutcome) -> None:
        """Returns when the outcome is on the disk."""
        ...

    def finished(self) -> None: ...

    def close(self) -> None: ...


class NoJournal:
    """For pushes that are not resumed."""

    def outcome_of(self, digest: str) -> PartOutcome | None:
        return None

    def was_sent(self, digest: str) -> bool:
        return False

    def sending(self, digest: str) -> None: ...

    def done(self, digest: str, outcome: PartOutcome) -> None: ...

    def finished(self) -> None: ...

    def close(self) -> None: ...


@dataclass
class _Past:
    """What the journal of earlier runs says. `end`: how many bytes of it are whole lines."""

    done: dict[str, PartOutcome]
    sent: set[str]
    finished: bool
    end: int


class FileJournal:
    """A journal in a file, which one push at a time may use."""

    def __init__(self, path: Path, server: str) -> None:
        """Raises UsherError `in_use` while another process has it, SourceError if the file cannot be written."""
        try:
            self._file: IO[bytes] = path.open("a+b")
        except OSError as error:
            raise SourceError(f"The journal {path} cannot be written: {error}") from error
        try:
            self._lock(path)
            self._past = _read(self._file, server)
            if self._past is None or self._past.finished:
                self._start_afresh(server)
            else:
                # The end of the last line may be missing, if the machine stopped while it was written.
                self._file.truncate(self._past.end)
        except BaseException:
            self._file.close()
            raise

    def outcome_of(self, digest: str) -> PartOutcome | None:
        return None if self._past is None or self._past.finished else self._past.done.get(digest)

    def was_sent(self, digest: str) -> bool:
        return self._past is not None and digest in self._past.sent

    def sending(self, digest: str) -> None:
        self._append({"sending": digest})

    def done(self, digest: str, outcome: PartOutcome) -> None:
        self._append({"done": digest, **outcome.to_json()})
        os.fsync(self._file.fileno())

    def finished(self) -> None:
        self._append({"finished": True})
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def _lock(self, path: Path) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsherError(
                "in_use", f"Another process is pushing this file; it holds {path}", retryable=True
            ) from None

    def _start_afresh(self, server: str) -> None:
        """Keeps of a finished push only what was sent: to send it once more is no mistake."""
        sent = sorted(self._past.sent)[:_MAX_KNOWN] if self._past is not None else []
        self._file.truncate(0)
        self._append({"usherJournal": _FORMAT, "server": server})
        for digest in sent:
            self._append({"sending": digest})

    def _append(self, record: dict[str, Any]) -> None:
        self._file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        self._file.flush()


def _read(file: IO[bytes], server: str) -> _Past | None:
    """Returns what the file says; None if it is empty or for another server. Raises SourceError if it is no journal."""
    file.seek(0)
    first = file.readline(4_096)
    header = _record(first)
    # Whatever it is, it is not ours to overwrite. (A first line that was cut off is ours.)
    if (first.endswith(b"\n") and "usherJournal" not in header) or len(first) == 4_096:
        raise SourceError(f"{file.name} is no journal of a push; it was left as it is")
    if header.get("usherJournal") != _FORMAT or header.get("server") != server:
        return None
    past = _Past({}, set(), False, file.tell())
    while (line := file.readline()).endswith(b"\n"):
        record = _record(line)
        past.end = file.tell()
        if len(past.sent) < _MAX_KNOWN and isinstance(digest := record.get("sending"), str):
            past.sent.add(digest)
        if isinstance(digest := record.get("done"), str):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                past.done[digest] = PartOutcome.from_json(record)
        past.finished = past.finished or record.get("finished") is True
    return past


def _record(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
