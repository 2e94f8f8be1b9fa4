"""Uploads parts in threads, several at once. The threads only send; all else happens in the thread that pushes."""

from __future__ import annotations

import queue
import threading
import time
from typing import TypeAlias

from ..errors import UsherError
from ..steps import RetryPolicy, Steps
from ..transport import Connection, run
from .parts import Part
from .upload import PartOutcome, check, upload

UPLOAD_TIMEOUT = 120.0
"""Seconds without a byte from the server: it reports each 500 rows."""
_GRACE = 5.0
"""Seconds that `stop` waits for parts that are on their way."""


class Stopped(Exception):
    """The push ends; the part is not sent again."""


Job: TypeAlias = "tuple[Part | None, Steps[PartOutcome]]"
Result: TypeAlias = "tuple[Part | None, PartOutcome | BaseException]"
"""The part is None for the check before the first one."""


class Workers:
    """`concurrency` threads and the parts that they have. Daemon threads: a program that ends does not wait for them."""

    def __init__(self, connection: Connection, policy: RetryPolicy, concurrency: int) -> None:
        self._client = connection.open_sync(UPLOAD_TIMEOUT)
        self._policy = policy
        self._stopping = threading.Event()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Result] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"usher-upload-{n}", daemon=True)
            for n in range(concurrency)
        ]
        self._running = concurrency
        self._lock = threading.Lock()
        self.in_flight = 0
        """Parts that were handed over and whose result was not taken."""
        for thread in self._threads:
            thread.start()

    @property
    def is_full(self) -> bool:
        """One part more than there are threads waits, so that none is idle while the next is read."""
        return self.in_flight > len(self._threads)

    def hand_over(self, part: Part) -> None:
        """The caller looks at `is_full` first: what waits is in memory."""
        self._put(part, upload(part, self._policy))

    def hand_over_check(self) -> None:
        """Its result has no part; it is an error if the URL or the key is wrong, or the server cannot be reached.

        A thread of its own sends it, so that a push that is cancelled need not wait for a server that is silent.
        """
        self._put(None, check(self._policy))

    def take(self, seconds: float) -> Result | None:
        """Returns a finished part, or None when none is finished within so many seconds."""
        try:
            result = (
                self._results.get(timeout=seconds) if seconds > 0 else self._results.get_nowait()
            )
        except queue.Empty:
            return None
        self.in_flight -= 1
        return result

    def stop(self) -> list[Result]:
        """Ends the threads. Returns what was finished until then, within a few seconds; what is still on its way is given up."""
        self._stopping.set()
        for _ in self._threads:
            self._jobs.put(None)
        deadline = time.monotonic() + _GRACE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        results = []
        while (result := self.take(0)) is not None:
            results.append(result)
        return results

    def _put(self, part: Part | None, steps: Steps[PartOutcome]) -> None:
        self.in_flight += 1
        self._jobs.put((part, steps))

    def _work(self) -> None:
        try:
            self._send_jobs()
        finally:
            with self._lock:
                self._running -= 1
                is_last = self._running == 0
            if is_last:
                self._client.close()  # here, since a thread that was given up outlives `stop`

    def _send_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            part, steps = job
            try:
                outcome: PartOutcome | BaseException = self._send(steps)
            except Exception as error:
                self._stopping.set()  # the push ends: no further part is begun
                outcome = error
            self._results.put((part, outcome))

    def _send(self, steps: Steps[PartOutcome]) -> PartOutcome:
        if self._stopping.is_set():
            raise Stopped
        return run(steps, self._client, self._sleep)

    def _sleep(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Stopped


def error_in(outcome: PartOutcome | BaseException) -> UsherError | None:
    """Returns why a part is not in; None if it is, or if the push was ending. Raises what is a fault of this package."""
    if isinstance(outcome, PartOutcome | Stopped):
        return None
    if isinstance(outcome, UsherError):
        return outcome
    raise outcome
