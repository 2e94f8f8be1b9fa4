from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from usher import RetryPolicy, Usher

from .pretend_usher import KEY, PretendUsher, running

# Enough for what is split here; the machine may be slow, and an example's time says nothing.
settings.register_profile("usher", max_examples=60, deadline=None)
settings.load_profile("usher")

QUICK = RetryPolicy(attempts=6, base=0.001, longest=0.01)
"""Retries without noticeable delays."""


@pytest.fixture
def pretend() -> Iterator[PretendUsher]:
    with running() as usher:
        yield usher


@pytest.fixture
def usher(pretend: PretendUsher) -> Iterator[Usher]:
    with Usher(pretend.url, KEY, retries=QUICK, upload_retries=QUICK) as client:
        yield client


def page(n: int, **more: Any) -> dict[str, Any]:
    """A front page of the user `user-<n>`."""
    return {"userId": f"user-{n}", "version": 20261126, "items": [f"film-{n}", "é😀"], **more}


def lines_of(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a text to a file of its own and returns its path."""

    def write(text: str, name: str = "nightly.ndjson") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20261126)
