"""The complete life of a nightly job, on a handful of pages. Runs against any Usher:

USHER_URL=http://127.0.0.1:3000 USHER_SERVICE_KEY=… python nightly.py
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from usher import Event, PushError, Usher


def front_pages(version: int) -> Iterator[dict[str, Any]]:
    """What your model recommends. A generator: however many there are, few are in memory."""
    for n in range(1_000):
        yield {
            "userId": f"user-{n}",
            "profileId": "main",
            "version": version,  # must grow with each run: a page is replaced by a greater version only
            "items": [{"titleId": f"film-{n + rank}", "rank": rank} for rank in range(20)],
        }


def main() -> int:
    """Returns the exit code of the job."""
    with Usher(os.environ["USHER_URL"], os.environ["USHER_SERVICE_KEY"]) as usher:
        try:
            summary = usher.recommendations.push(front_pages(version=int(time.time())))
        except PushError as error:
            print(f"{error}; {error.summary.accepted} pages are in")
            return 75 if error.retryable else 1
        print(
            f"{summary.accepted} accepted, {summary.rejected_count} rejected in {summary.seconds:.1f} s"
        )
        for warning in summary.warnings:
            print(f"warning: {warning}")

        event = Event(
            user_id="user-1",
            type="promo.started",
            tier="important",
            key="promo",
            data={"title": "Free week"},
        )
        [accepted] = usher.publish(event)
        print(f"promo.started is event {accepted.offset} of user-1")
        print("user-1 may stream:", usher.entitlement("user-1").capabilities.streaming)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
