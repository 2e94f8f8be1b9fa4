"""The nightly recommendations."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from ..steps import RetryPolicy
from ..transport import Connection
from .push import Push, PushOptions
from .sources import Rows
from .summary import OnProgress, Progress, Rejected, Summary

__all__ = ["AsyncRecommendations", "Progress", "Recommendations", "Rejected", "Rows", "Summary"]

PART = 20_000
"""Rows of one request: some seconds of the server's time, so that little is sent twice."""
CONCURRENCY = 2


class Recommendations:
    """`usher.recommendations`."""

    def __init__(self, connection: Connection, policy: RetryPolicy) -> None:
        self._connection = connection
        self._policy = policy

    def push(
        self,
        rows: Rows,
        *,
        part: int = PART,
        concurrency: int = CONCURRENCY,
        resume: bool | str | Path = True,
        rejected: str | Path | None = None,
        on_progress: OnProgress | None = None,
    ) -> Summary:
        """Brings front pages into Usher, and returns what became of them. Rows are sent in parts, each until it is in.

        `rows`: the path of a `.parquet`, `.ndjson` or `.ndjson.gz` file, an iterable of mappings with `userId`,
        `profileId` (optional), `version` and `items`, or a polars DataFrame with such columns.

        `part`: rows of a request; a request also has at most 32 MiB before compression.
        `concurrency`: requests at the same time.

        `resume`: a push that was killed is taken up where it ended, by a journal beside the file
        (`<file>.usher-journal`). A path: the journal is there, for rows that are no file. False: without a journal.

        `rejected`: the file for rows that were rejected, by default `<file>.rejected.ndjson`, and none for other rows.
        `on_progress`: called in this thread after each part.

        Raises PushError when a part could not be sent (`.retryable`: push again, later), SourceError when the rows
        cannot be read or a file beside them not be opened, OSError when one cannot be written (a full disk), UsherError
        `in_use`, ValueError.
        """
        options = PushOptions(part, concurrency, resume, rejected, on_progress)
        return Push(rows, options, self._connection, self._policy).run()


class AsyncRecommendations:
    """`usher.recommendations` of AsyncUsher."""

    def __init__(self, connection: Connection, policy: RetryPolicy) -> None:
        self._connection = connection
        self._policy = policy

    async def push(
        self,
        rows: Rows,
        *,
        part: int = PART,
        concurrency: int = CONCURRENCY,
        resume: bool | str | Path = True,
        rejected: str | Path | None = None,
        on_progress: OnProgress | None = None,
    ) -> Summary:
        """Does the same as Recommendations.push in a thread, since rows are read and checked there; also `on_progress` is
        called there. A task that is cancelled returns once the parts on their way have ended, after a few seconds at most.
        """
        options = PushOptions(part, concurrency, resume, rejected, on_progress)
        cancelled = threading.Event()

        def push() -> Summary:
            return Push(rows, options, self._connection, self._policy, cancelled).run()

        running = asyncio.ensure_future(asyncio.to_thread(push))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            cancelled.set()
            await asyncio.wait([running])
            if not running.cancelled():
                running.exception()  # it is the task's end that matters
            raise
