"""A real HTTP server that behaves as Usher's back-office calls do, and fails on cue.

What it does of the nightly file follows src/recommendations: lines are numbered from 1, empty ones counted and ignored, a page
is replaced by a greater version only, progress comes every 500 lines and the totals come last.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

BATCH = 500
KEY = "usk_test_0123456789"

Fault = Callable[["Handler"], bool]
"""Answers the request itself, or breaks it off; returns False to let it be answered as usual after all."""


class PretendUsher:
    """The server's state. Faults are used up one a request."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pages: dict[tuple[str, str], tuple[Any, Any]] = {}
        self.faults: deque[Fault] = deque()
        self.check_fault: Fault | None = None
        """Answers each check in place of the server."""
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[bytes] = []
        self.keep_bodies = False
        self.uploads = 0
        self.on_upload: Callable[[int], None] = lambda _n: None
        """Called with the number of the upload when its body has arrived."""
        self.published: dict[str, tuple[bytes, bytes]] = {}
        self.unwritable: set[str] = set()
        """Users whose page cannot be written, once."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.usher = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def merge(self, page: dict[str, Any]) -> str:
        """Stores a page; returns the outcome as the totals name it."""
        place = (page["userId"], page.get("profileId", "main"))
        with self.lock:
            stored = self.pages.get(place)
            if stored is not None and stored[0] == page["version"]:
                return "unchanged" if stored[1] == page["items"] else "conflicting"
            if stored is not None and stored[0] > page["version"]:
                return "stale"
            self.pages[place] = (page["version"], page["items"])
            return "accepted"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    wbufsize = -1
    routes: ClassVar[dict[str, str]] = {}

    @property
    def usher(self) -> PretendUsher:
        return self.server.usher  # type: ignore[attr-defined, no-any-return]

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
            super().handle()

    def do_GET(self) -> None:
        self._answer(b"")

    def do_PUT(self) -> None:
        self._answer(self._body())

    def do_POST(self) -> None:
        self._answer(self._body())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def _answer(self, body: bytes) -> None:
        self.body = body
        usher = self.usher
        path = urlsplit(self.path).path
        if path == "/v1/recommendations" and not body:
            if usher.check_fault is not None and usher.check_fault(self):
                return None
            return self._check()
        with usher.lock:
            usher.requests.append(
                (self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
            )
            if usher.keep_bodies:
                usher.bodies.append(body)
            number = usher.uploads
            usher.uploads += path == "/v1/recommendations"
        if path == "/v1/recommendations":
            usher.on_upload(number)
        with usher.lock:
            fault = usher.faults.popleft() if usher.faults else None
        if fault is not None and fault(self):
            return None
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return self.problem(401, "unauthorized")
        if path == "/v1/recommendations":
            self.ingest(self._lines())
        elif path == "/v1/events":
            self._publish()
        elif path == "/v1/broadcasts":
            self.send(202, {"id": self.headers["Idempotency-Key"], "number": 7})
        elif path.endswith("/entitlement"):
            self._entitlement(path.split("/")[3])
        elif path.startswith("/v1/plans/"):
            self.send(200, {**json.loads(body), "planId": path.split("/")[3]})
        else:
            self.problem(404, "not_found")
        return None

    def _check(self) -> None:
        """An empty file: neither counted as an upload nor subject to faults."""
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return self.problem(401, "unauthorized")
        self.ingest([])
        return None

    # Answers

    def send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        self.send_bytes(status, json.dumps(value).encode(), headers)

    def send_bytes(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, text in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def problem(
        self, status: int, code: str, *, retryable: bool = False, retry_after: str | None = None
    ) -> None:
        headers = {"Content-Type": "application/problem+json"}
        if retry_after is not None:
            headers["Retry-After"] = retry_after
        body = {
            "title": code,
            "status": status,
            "code": code,
            "detail": code,
            "retryable": retryable,
        }
        self.send(status, body, headers)

    def drop(self) -> None:
        """Breaks the connection off, as a killed process does."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    # The nightly file

    def _lines(self) -> list[bytes]:
        return zlib.decompress(self.body, 31).split(b"\n")[:-1]

    def ingest(
        self, lines: list[bytes], *, cut_after: int | None = None, totals: bool = True
    ) -> dict[str, Any]:
        """Stores the lines and answers. `cut_after`: the connection breaks after so many; `totals`: whether they are sent."""
        totals_so_far = {
            "accepted": 0,
            "unchanged": 0,
            "conflicting": 0,
            "stale": 0,
            "rejectedCount": 0,
        }
        rejected: list[dict[str, Any]] = []
        answer: list[bytes] = []
        for number, line in enumerate(lines, 1):
            if cut_after is not None and number > cut_after:
                self.drop()
                return totals_so_far
            outcome = self._store(line)
            if outcome in totals_so_far:
                totals_so_far[outcome] += 1
                if outcome == "conflicting":
                    totals_so_far["unchanged"] += 1
            elif outcome:
                totals_so_far["rejectedCount"] += 1
                if len(rejected) < 1_000:
                    rejected.append({"line": number, "code": outcome})
            if number % BATCH == 0:
                answer.append(json.dumps({"progress": totals_so_far}).encode())
        if totals:
            answer.append(json.dumps({**totals_so_far, "rejected": rejected}).encode())
        headers = {"Content-Type": "application/x-ndjson"}
        self.send_bytes(200, b"".join(one + b"\n" for one in answer), headers)
        return totals_so_far

    def _store(self, line: bytes) -> str:
        """Returns the outcome, or the code with which the line is rejected; nothing for an empty line."""
        if not line.strip():
            return ""
        try:
            page = json.loads(line)
        except ValueError:
            return "malformed_json"
        if page["userId"] in self.usher.unwritable:
            self.usher.unwritable.discard(page["userId"])
            return "internal"
        if page["userId"].startswith("refused"):
            return "invalid_request"
        return self.usher.merge(page)

    # The other calls

    def _publish(self) -> None:
        key = self.headers["Idempotency-Key"]
        with self.usher.lock:
            known = self.usher.published.get(key)
            if known is not None and known[0] != self.body:
                return self.problem(422, "idempotency_mismatch")
            if known is None:
                events = json.loads(self.body)["events"]
                accepted = [{"id": f"{key}-{n}", "offset": n + 1} for n, _ in enumerate(events)]
                known = (self.body, json.dumps({"accepted": accepted}).encode())
                self.usher.published[key] = known
        return self.send_bytes(202, known[1])

    def _entitlement(self, user_id: str) -> None:
        capabilities = {
            "streaming": True,
            "maxStreams": 4,
            "maxQuality": "4k",
            "downloads": True,
            "ads": False,
        }
        value = {"userId": user_id, "version": 2, "status": "active", "planId": "premium"}
        self.send(
            200, {**value, "capabilities": capabilities, "checkedAt": "2026-11-20T08:47:46.695Z"}
        )


@contextlib.contextmanager
def running() -> Iterator[PretendUsher]:
    """Runs a server for a test."""
    usher = PretendUsher()
    try:
        yield usher
    finally:
        usher.close()


# Faults


def dropped(handler: Handler) -> bool:
    """The request arrives and has no effect, and the connection breaks."""
    handler.drop()
    return True


def refused_with(
    status: int, code: str, *, retryable: bool = True, retry_after: str | None = None
) -> Fault:
    """The request is refused with a problem document."""

    def fault(handler: Handler) -> bool:
        handler.problem(status, code, retryable=retryable, retry_after=retry_after)
        return True

    return fault


def page_of_a_proxy(status: int) -> Fault:
    """A proxy answers in place of Usher."""

    def fault(handler: Handler) -> bool:
        handler.send_bytes(status, b"<html>secret things</html>", {"Content-Type": "text/html"})
        return True

    return fault


def cut_after(lines: int) -> Fault:
    """So many lines are stored, then the connection breaks."""

    def fault(handler: Handler) -> bool:
        handler.ingest(handler._lines(), cut_after=lines)
        return True

    return fault


def without_totals(handler: Handler) -> bool:
    """All lines are stored, and the response ends before its totals."""
    handler.ingest(handler._lines(), totals=False)
    return True


def half_the_totals(handler: Handler) -> bool:
    """Half of the lines are stored, and the totals are of these."""
    lines = handler._lines()
    handler.ingest(lines[: len(lines) // 2])
    return True


def failed_half_way(code: str, *, retryable: bool) -> Fault:
    """The last line of the response is an error."""

    def fault(handler: Handler) -> bool:
        problem = {"code": code, "detail": code, "retryable": retryable, "status": 503}
        handler.send_bytes(200, json.dumps({"error": problem}).encode() + b"\n")
        return True

    return fault


def carried_out_and_dropped(handler: Handler) -> bool:
    """The call is carried out, and its response is lost."""
    handler.send_bytes = lambda *_args, **_more: handler.drop()  # type: ignore[method-assign]
    return False
