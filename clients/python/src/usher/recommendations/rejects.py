"""Writes down which rows are not in Usher."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

from ..errors import SourceError
from .summary import MAX_LISTED, Rejected, Summary


class Rejects:
    """Counts rejected rows, lists the first thousand in the summary, and writes all of them to a file, if there is one.

    The file is made with the first rejected row; one of an earlier run is removed.
    """

    def __init__(self, path: Path | None, summary: Summary) -> None:
        self._path = path
        self._summary = summary
        self._file: IO[str] | None = None
        if path is not None:
            self._remove(path)

    def add(self, rejected: Rejected) -> None:
        """Raises SourceError if the file cannot be opened, OSError if it cannot be written."""
        self._summary.rejected_count += rejected.count
        if len(self._summary.rejected) < MAX_LISTED:
            self._summary.rejected.append(rejected)
        if self._path is None:
            return
        if self._file is None:
            self._file = self._open(self._path)
        self._file.write(json.dumps(rejected.to_json(), ensure_ascii=False) + "\n")

    @staticmethod
    def _remove(path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # a directory, or one that may not be changed
            raise SourceError(f"{path} cannot be replaced: {error}") from error

    @staticmethod
    def _open(path: Path) -> IO[str]:
        try:
            return path.open("w", encoding="utf-8")
        except OSError as error:
            raise SourceError(f"{path} cannot be written: {error}") from error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
