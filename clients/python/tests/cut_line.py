"""A TCP line to a server on this machine that breaks once by itself, in the midst of a call."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

Lost = Literal["request", "response"]

REFUSED = 3
"""Connections that are broken at once after the cut: the line stays down for a while."""


class CutLine:
    """Cuts every connection as soon as `after` bytes have gone to the server.

    `lost="request"`: in the midst of what is sent. `lost="response"`: the next bytes that the server says get lost, so that it
    has done what it was asked, and nobody knows.
    """

    def __init__(self, url: str, after: int, lost: Lost) -> None:
        target = urlsplit(url)
        self._target = (target.hostname or "", target.port or 80)
        self._after = after
        self._lost = lost
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._sent = 0
        self.cuts = 0
        self.refused = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # `accept` is woken by the shutdown; closing alone would leave it waiting.
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._lock:
            self._break_all()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._server.accept()
            except OSError:
                return  # closed
            if self.cuts > 0 and self.refused < REFUSED:
                self.refused += 1
                caller.close()
                continue
            server = socket.create_connection(self._target, timeout=10)
            server.settimeout(None)
            with self._lock:
                self._sockets |= {caller, server}
            for source, sink, is_request in ((caller, server, True), (server, caller, False)):
                threading.Thread(
                    target=self._pump, args=(source, sink, is_request), daemon=True
                ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, is_request: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(8_192):
                if self._cuts_now(len(data), is_request):
                    return
                sink.sendall(data)
        with self._lock:
            self._break({source, sink})

    def _cuts_now(self, size: int, is_request: bool) -> bool:
        with self._lock:
            if is_request:
                self._sent += size
            is_lost = is_request == (self._lost == "request")
            if self.cuts > 0 or self._sent < self._after or not is_lost:
                return False
            self.cuts += 1
            self._break_all()
            return True

    def _break_all(self) -> None:
        self._break(set(self._sockets))

    def _break(self, sockets: set[socket.socket]) -> None:
        for one in sockets & self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets -= sockets


@contextlib.contextmanager
def cut_line(url: str, *, after: int, lost: Lost) -> Iterator[CutLine]:
    """A line that is closed at the end."""
    line = CutLine(url, after, lost)
    try:
        yield line
    finally:
        line.close()
