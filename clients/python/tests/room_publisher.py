"""The publisher of `npm run test:room`: publishes what it is told to (tools/room/programs.mjs). Not a test of its own."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from usher import Event, RetryPolicy, Usher

ATTEMPTS = 100
"""Its line is cut again and again, and for seconds."""


def main() -> None:
    retries = RetryPolicy(attempts=ATTEMPTS, base=0.1, longest=2)
    with Usher(
        os.environ["ROOM_URL"], os.environ["ROOM_KEY"], timeout=10, retries=retries
    ) as usher:
        say({"ready": True})
        for line in sys.stdin:
            orders = json.loads(line)["publish"]
            accepted = usher.publish([event_of(order) for order in orders])
            numbers = [order["data"]["n"] for order in orders]
            offsets = [one.offset for one in accepted]
            say(
                {
                    "accepted": [
                        {"n": n, "offset": at} for n, at in zip(numbers, offsets, strict=True)
                    ]
                }
            )


def event_of(order: dict[str, Any]) -> Event:
    return Event(
        user_id=order["userId"],
        type=order["type"],
        tier=order["tier"],
        data=order["data"],
        key=order["key"],
        device_id=order.get("deviceId"),
    )


def say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
