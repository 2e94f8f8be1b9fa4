"""Carries the steps of calls out: with threads, or with asyncio. The only file that knows httpx."""

from __future__ import annotations

import asyncio
import functools
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import httpx

from .steps import Done, NoResponse, Request, Response, Steps, Wait, advance

T = TypeVar("T")

MAX_RESPONSE_BYTES = 16 * 1024 * 1024
"""Usher's responses are far smaller; a stranger's must not fill the memory."""
_VISIBLE = re.compile(r"[!-~]{1,512}")


@functools.cache
def _tls() -> ssl.SSLContext:
    """The trusted certificates: read once, since reading them takes longer than a call."""
    return httpx.create_ssl_context()


@dataclass(frozen=True, repr=False)
class Connection:
    """Where Usher is and who calls it. The key appears in no representation, URL or error."""

    url: str
    key: str
    timeout: float
    """Seconds without a byte from the server after which a call fails."""

    def __post_init__(self) -> None:
        try:
            parsed = httpx.URL(self.url)
        except httpx.InvalidURL:
            raise ValueError("The URL of Usher is no URL") from None
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise ValueError(
                "The URL of Usher must begin with http:// or https://, and name a host"
            )
        if parsed.userinfo:
            raise ValueError(
                "The URL of Usher must hold no credentials; pass the service key as `key`"
            )
        if not _VISIBLE.fullmatch(self.key):
            raise ValueError("The service key is empty, or holds a character that no key has")

    def __repr__(self) -> str:
        return f"Connection({self.url!r})"

    def open_sync(self, timeout: float | None = None) -> httpx.Client:
        """Returns a client that its owner closes. Redirects are not followed: they would carry the key elsewhere."""
        return httpx.Client(
            base_url=self.url,
            headers=self._headers(),
            timeout=self._timeout(timeout),
            verify=_tls(),
        )

    def open_async(self) -> httpx.AsyncClient:
        """Returns the same for asyncio."""
        return httpx.AsyncClient(
            base_url=self.url, headers=self._headers(), timeout=self._timeout(None), verify=_tls()
        )

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "User-Agent": "usher-client-python"}

    def _timeout(self, seconds: float | None) -> httpx.Timeout:
        return httpx.Timeout(seconds or self.timeout, connect=min(10.0, seconds or self.timeout))


def run(steps: Steps[T], client: httpx.Client, sleep: Callable[[float], object]) -> T:
    """Carries the steps out in this thread, and returns what they return. What `sleep` raises ends them."""
    outcome: Response | NoResponse | None = None
    while not isinstance(step := advance(steps, outcome), Done):
        if isinstance(step, Wait):
            outcome = None
            sleep(step.seconds)
        else:
            outcome = _send(client, step)
    return step.result


async def run_async(steps: Steps[T], client: httpx.AsyncClient) -> T:
    """Carries the steps out, and returns what they return."""
    outcome: Response | NoResponse | None = None
    while not isinstance(step := advance(steps, outcome), Done):
        if isinstance(step, Wait):
            outcome = None
            await asyncio.sleep(step.seconds)
        else:
            outcome = await _send_async(client, step)
    return step.result


def _send(client: httpx.Client, request: Request) -> Response | NoResponse:
    try:
        with client.stream(
            request.method, request.path, headers=dict(request.headers), content=request.body
        ) as response:
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    return NoResponse("the response is too long")
            return _response(response, bytes(body))
    except httpx.RequestError as error:
        return NoResponse(type(error).__name__)


async def _send_async(client: httpx.AsyncClient, request: Request) -> Response | NoResponse:
    try:
        async with client.stream(
            request.method, request.path, headers=dict(request.headers), content=request.body
        ) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    return NoResponse("the response is too long")
            return _response(response, bytes(body))
    except httpx.RequestError as error:
        return NoResponse(type(error).__name__)


def _response(response: httpx.Response, body: bytes) -> Response:
    return Response(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
