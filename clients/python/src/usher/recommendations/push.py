"""Pushes the nightly file: reads, checks, cuts, uploads, notes down. Memory holds a few parts, however long the source is."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ..errors import PushError, UsherError
from ..steps import RetryPolicy
from ..transport import Connection
from .journal import FileJournal, Journal, NoJournal
from .parts import MAX_PART_ROWS, Part, split
from .push_warnings import PushWarnings
from .rejects import Rejects
from .rows import InvalidRow
from .sources import Rows, Source, open_source
from .summary import OnProgress, Progress, Rejected, Summary
from .upload import PartOutcome
from .workers import Workers, error_in

MAX_CONCURRENCY = 16
_POLL = 0.2
"""Seconds after which a push that waits looks whether it was cancelled, and reports its progress."""


@dataclass(frozen=True)
class PushOptions:
    """How to push; the parameters of `Recommendations.push`."""

    part: int
    concurrency: int
    resume: bool | str | Path
    rejected: str | Path | None
    on_progress: OnProgress | None

    def __post_init__(self) -> None:
        if not 1 <= self.part <= MAX_PART_ROWS:
            raise ValueError(f"`part` must be 1 to {MAX_PART_ROWS} rows")
        if not 1 <= self.concurrency <= MAX_CONCURRENCY:
            raise ValueError(f"`concurrency` must be 1 to {MAX_CONCURRENCY}")


class Cancelled(Exception):
    """The push was cancelled by the task that waits for it."""


class Push:
    """One push of one source."""

    def __init__(
        self,
        rows: Rows,
        options: PushOptions,
        connection: Connection,
        policy: RetryPolicy,
        cancelled: threading.Event | None = None,
    ) -> None:
        """Raises SourceError, ValueError, or UsherError `in_use`."""
        self._source = open_source(rows)
        self._options = options
        self._connection = connection
        self._policy = policy
        self._cancelled = cancelled
        self._summary = Summary()
        self._warnings = PushWarnings()
        self._journal: Journal = _open_journal(self._source, options.resume, connection.url)
        try:
            self._rejects = Rejects(_rejects_path(self._source, options.rejected), self._summary)
        except BaseException:
            self._journal.close()
            raise

    def run(self) -> Summary:
        """Returns when every row is in Usher or rejected. Raises PushError, SourceError, OSError or Cancelled.

        What was sent stays.
        """
        started = time.monotonic()
        try:
            workers = Workers(self._connection, self._policy, self._options.concurrency)
            try:
                self._check(workers)
                self._send_all(workers)
                self._journal.finished()
            finally:
                self._end(workers, started)
        except UsherError as error:
            raise PushError(error, self._summary) from error
        return self._summary

    def _end(self, workers: Workers, started: float) -> None:
        """Keeps what finished while the push was ending, and closes the files also when one of them cannot be written."""
        with contextlib.closing(self._journal), contextlib.closing(self._rejects):
            for part, outcome in workers.stop():
                if part is not None and isinstance(outcome, PartOutcome):
                    self._finish(part, outcome)
            self._summary.seconds = time.monotonic() - started
            self._summary.warnings = self._warnings.texts()

    def _check(self, workers: Workers) -> None:
        """Raises UsherError if the URL or the key is wrong, or the server cannot be reached: before anything is read."""
        workers.hand_over_check()
        while workers.in_flight > 0:
            self._take(workers)

    def _send_all(self, workers: Workers) -> None:
        for part in split(self._source.read(), self._options.part, self._reject_here):
            self._raise_if_cancelled()
            self._warnings.look_at(part)
            known = self._journal.outcome_of(part.digest)
            if known is not None:
                self._summary.resumed_parts += 1
                self._count(part, known)
                continue
            while workers.is_full:
                self._take(workers)
            if not self._journal.was_sent(part.digest):
                self._journal.sending(part.digest)
            workers.hand_over(part)
            self._take(workers, seconds=0)
        while workers.in_flight > 0:
            self._take(workers)

    def _take(self, workers: Workers, seconds: float = _POLL) -> None:
        """Takes a finished part, if there is one within so many seconds."""
        self._raise_if_cancelled()
        result = workers.take(seconds)
        if result is None:
            return
        part, outcome = result
        if isinstance(outcome, PartOutcome):
            if part is not None:
                self._finish(part, outcome)
        elif (error := error_in(outcome)) is not None:
            raise error

    def _raise_if_cancelled(self) -> None:
        if self._cancelled is not None and self._cancelled.is_set():
            raise Cancelled

    def _finish(self, part: Part, outcome: PartOutcome) -> None:
        self._journal.done(part.digest, outcome)
        self._summary.attempts += outcome.attempts
        if outcome.attempts == 1 and not self._journal.was_sent(part.digest):
            self._warnings.first_outcome(outcome)
        self._count(part, outcome)

    def _count(self, part: Part, outcome: PartOutcome) -> None:
        summary = self._summary
        summary.parts += 1
        summary.rows += part.rows
        summary.accepted += outcome.accepted
        summary.unchanged += outcome.unchanged
        summary.conflicting += outcome.conflicting
        self._warnings.outcome(outcome)
        summary.stale += outcome.stale
        for line, code in outcome.rejected:
            number = part.number_of(line)
            if number is not None:
                self._rejects.add(Rejected(number, code, "server"))
        unlisted = outcome.rejected_count - len(outcome.rejected)
        if unlisted > 0:
            self._rejects.add(
                Rejected(part.first, "unlisted", "server", last_line=part.last, count=unlisted)
            )
        self._report()

    def _reject_here(self, number: int, invalid: InvalidRow) -> None:
        self._raise_if_cancelled()
        self._summary.rows += 1
        self._rejects.add(Rejected(number, invalid.code, "client", invalid.message))

    def _report(self) -> None:
        if self._options.on_progress is not None:
            summary = self._summary
            progress = Progress(self._source.progress(), summary.rows, summary.rejected_count)
            self._options.on_progress(progress)


def _open_journal(source: Source, resume: bool | str | Path, server: str) -> Journal:
    if isinstance(resume, str | Path):
        return FileJournal(Path(resume), server)
    if source.path is None:
        return NoJournal()
    path = beside(source.path, ".usher-journal")
    if not resume:
        path.unlink(missing_ok=True)
        return NoJournal()
    return FileJournal(path, server)


def _rejects_path(source: Source, rejected: str | Path | None) -> Path | None:
    if rejected is not None:
        return Path(rejected)
    return None if source.path is None else beside(source.path, ".rejected.ndjson")


def beside(path: Path, suffix: str) -> Path:
    """Returns the file beside this one, with a longer name."""
    return path.with_name(path.name + suffix)
