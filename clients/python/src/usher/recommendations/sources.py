"""Reads what is pushed, row by row and in constant memory: NDJSON (plain or gzip), Parquet, or rows from Python."""

from __future__ import annotations

import gzip
import importlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol, TypeAlias, cast

from ..errors import SourceError
from .rows import MAX_LINE_BYTES, TOO_LONG, InvalidRow, Page, page_of_line, page_of_row

ROWS_AT_ONCE = 1_000
"""Rows that are taken from a table at once: a table's rows are far larger as Python objects."""
COLUMNS = ("userId", "profileId", "version", "items")
_SKIP_BYTES = 64 * 1024
_BOM = b"\xef\xbb\xbf"

Rows: TypeAlias = "str | Path | Iterable[Mapping[str, Any]]"
"""A path, rows as mappings with the fields of the contract, or a polars DataFrame with such columns."""


class Numbered(NamedTuple):
    """What a line or row holds; `number` is its place in the source, from 1."""

    number: int
    content: Page | InvalidRow


class Source(Protocol):
    """Something to be pushed. `path` is where it lies; None for rows from Python."""

    path: Path | None

    def read(self) -> Iterator[Numbered]:
        """Yields every line or row that is not empty. Raises SourceError."""
        ...

    def progress(self) -> float | None:
        """Returns which fraction has been read, from 0 to 1; None when that is unknown."""
        ...


def open_source(rows: Rows) -> Source:
    """Returns the source. Raises SourceError for a file that is not there or of an unknown kind."""
    if isinstance(rows, str | Path):
        path = Path(rows)
        if not path.is_file():
            raise SourceError(f"{path}: there is no such file")
        if path.suffix == ".parquet":
            return ParquetFile(path)
        if path.name.endswith((".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")):
            return NdjsonFile(path)
        raise SourceError(
            f"{path}: the name must end with .parquet, .ndjson, .jsonl, .ndjson.gz or .jsonl.gz"
        )
    if isinstance(rows, Mapping) or (
        not isinstance(rows, Iterable) and not hasattr(rows, "iter_slices")
    ):
        raise SourceError("The rows must be a path or an iterable of mappings")
    return PythonRows(rows)


class NdjsonFile:
    """A file of lines. Holds one line of at most 256 KiB; of a longer one only its number."""

    def __init__(self, path: Path) -> None:
        self._file = path
        self.path: Path | None = path
        self._size = max(1, path.stat().st_size)
        self._position = 0

    def progress(self) -> float | None:
        return min(1.0, self._position / self._size)

    def read(self) -> Iterator[Numbered]:
        try:
            with self._file.open("rb") as raw, self._unpacked(raw) as lines:
                yield from self._lines(lines, raw)
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{self._file}: it cannot be read to its end: {error}") from error

    def _unpacked(self, raw: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
        if self._file.suffix != ".gz":
            return nullcontext(raw)
        return cast("AbstractContextManager[IO[bytes]]", gzip.open(raw))

    def _lines(self, lines: IO[bytes], raw: IO[bytes]) -> Iterator[Numbered]:
        number = 0
        while line := lines.readline(MAX_LINE_BYTES + 2):
            number += 1
            if number % ROWS_AT_ONCE == 1:
                self._position = raw.tell()
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                _skip_line(lines)
                yield Numbered(number, TOO_LONG)
                continue
            if number == 1:
                line = line.removeprefix(_BOM)
            content = page_of_line(line)
            if content is not None:
                yield Numbered(number, content)
        self._position = self._size


def _skip_line(lines: IO[bytes]) -> None:
    while (rest := lines.readline(_SKIP_BYTES)) and not rest.endswith(b"\n"):
        pass


class ParquetFile:
    """A Parquet file with the columns userId, profileId (optional), version and items.

    `items` is a list (of texts, of structs, …) or JSON text. Needs the extra `parquet`.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path | None = path
        self._total = 1
        self._number = 0

    def progress(self) -> float | None:
        return min(1.0, self._number / self._total)

    def read(self) -> Iterator[Numbered]:
        try:
            arrow: Any = importlib.import_module("pyarrow")
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError:
            raise SourceError(
                "Parquet needs pyarrow: pip install 'usher-client[parquet]'"
            ) from None
        try:
            # Without buffers of whole columns ahead of what is read.
            with parquet.ParquetFile(self.path, pre_buffer=False, buffer_size=1024 * 1024) as file:
                yield from self._rows(file)
        except (OSError, arrow.ArrowException) as error:
            raise SourceError(f"{self.path}: it cannot be read as Parquet: {error}") from error

    def _rows(self, file: Any) -> Iterator[Numbered]:
        names = file.schema_arrow.names
        missing = {"userId", "version", "items"}.difference(names)
        if missing:
            raise SourceError(
                f"{self.path}: no column {', '.join(sorted(missing))}; it has {', '.join(names) or 'none'}"
            )
        self._total = max(1, file.metadata.num_rows)
        self._number = 0
        columns = [name for name in COLUMNS if name in names]
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=columns, use_threads=False):
            for row in batch.to_pylist():
                self._number += 1
                yield Numbered(self._number, _page_of_table_row(row))


def _page_of_table_row(row: dict[str, Any]) -> Page | InvalidRow:
    items = row["items"]
    if isinstance(items, str):
        try:
            row["items"] = json.loads(items)
        except (ValueError, RecursionError):
            return InvalidRow("malformed_json", "The text of items is not JSON")
    return page_of_row(row)


class PythonRows:
    """Rows that a program makes: any iterable of mappings, or a polars DataFrame."""

    def __init__(self, rows: Any) -> None:
        self.path: Path | None = None
        self._rows = rows

    def progress(self) -> float | None:
        return None

    def read(self) -> Iterator[Numbered]:
        if hasattr(self._rows, "iter_slices"):
            rows = (
                row
                for part in self._rows.iter_slices(ROWS_AT_ONCE)
                for row in part.iter_rows(named=True)
            )
            for number, row in enumerate(rows, 1):
                yield Numbered(number, _page_of_table_row(row))
            return
        for number, row in enumerate(self._rows, 1):
            if not isinstance(row, Mapping):
                raise SourceError(f"Row {number} is a {type(row).__name__}, not a mapping")
            yield Numbered(number, page_of_row(row))
