"""Shows the progress of a push: a bar on a terminal (with the extra `rich`), a line now and then elsewhere."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from .recommendations import Progress
from .recommendations.summary import OnProgress

_LINE_EVERY = 10.0
"""Seconds between two lines in a log."""


@contextmanager
def show_progress(*, quiet: bool) -> Generator[OnProgress | None, None, None]:
    """Gives what is called with each progress; None when nothing is to be shown. Everything goes to stderr."""
    if quiet:
        yield None
    elif sys.stderr.isatty() and (rich := _rich()) is not None:
        with rich.Progress(console=_console(), transient=True) as bar:
            task = bar.add_task("Pushing", total=1.0)

            def update(progress: Progress) -> None:
                bar.update(task, completed=progress.fraction or 0.0, description=_text(progress))

            yield update
    else:
        yield _Lines().update


class _Lines:
    def __init__(self) -> None:
        self._next = time.monotonic() + _LINE_EVERY

    def update(self, progress: Progress) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LINE_EVERY
        share = "" if progress.fraction is None else f" ({progress.fraction:.0%})"
        print(f"usher: {_text(progress)}{share}", file=sys.stderr)  # noqa: T201


def _text(progress: Progress) -> str:
    rejected = f", {progress.rejected:,} rejected" if progress.rejected else ""
    return f"{progress.rows:,} rows{rejected}"


def _rich() -> Any:
    try:
        return importlib.import_module("rich.progress")
    except ImportError:
        return None


def _console() -> Any:
    return importlib.import_module("rich.console").Console(stderr=True)
