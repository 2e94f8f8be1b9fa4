"""However a file is cut into parts, every valid line is in exactly one, and the server's line numbers lead back to it."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from usher.recommendations.parts import Part, compress, split
from usher.recommendations.rows import InvalidRow
from usher.recommendations.sources import open_source

MiB = 1024 * 1024


def valid(n: int, size: int = 0) -> str:
    return json.dumps({"userId": f"u{n}", "version": 1, "items": ["x" * size]})


# What a line of the file is: valid (of some length), invalid, or empty.
kinds = st.lists(st.sampled_from(["valid", "long", "invalid", "empty", "blank"]), max_size=60)


def write(folder: Path, kinds_of_lines: list[str], newline_at_end: bool) -> Path:
    text = {"invalid": "{]", "empty": "", "blank": "  \r"}
    lines = [
        text[kind] if kind in text else valid(n, 40 if kind == "long" else 0)
        for n, kind in enumerate(kinds_of_lines, 1)
    ]
    path = folder / "nightly.ndjson"
    path.write_text(
        "\n".join(lines) + ("\n" if newline_at_end and lines else ""), encoding="utf-8", newline=""
    )
    return path


def cut(path: Path, rows: int, size: int) -> tuple[list[Part], list[int]]:
    rejected: list[int] = []

    def reject(number: int, _invalid: InvalidRow) -> None:
        rejected.append(number)

    return list(split(open_source(path).read(), rows, reject, size)), rejected


@given(kinds, st.booleans(), st.integers(1, 12), st.integers(60, 600))
def test_every_line_is_in_one_part_or_rejected_and_known_by_its_number(
    kinds_of_lines: list[str], newline: bool, rows: int, size: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), kinds_of_lines, newline)
        parts, rejected = cut(path, rows, size)
        lines = path.read_bytes().split(b"\n")
    found: list[int] = []
    for part in parts:
        sent = part.body.split(b"\n")
        assert sent.pop() == b""
        assert 1 <= part.rows <= rows
        assert len(part.body) <= size or part.rows == 1
        for at, text in enumerate(sent, 1):
            number = part.number_of(at)
            assert number is not None
            assert lines[number - 1] == text
            found.append(number)
        assert part.number_of(0) is None
        assert part.number_of(part.rows + 1) is None
    places = {
        kind: [n for n, one in enumerate(kinds_of_lines, 1) if one == kind]
        for kind in set(kinds_of_lines)
    }
    assert found == sorted(places.get("valid", []) + places.get("long", []))
    assert rejected == places.get("invalid", [])


@given(kinds, st.integers(1, 12))
def test_a_second_run_finds_the_same_parts_and_a_changed_line_changes_its_part_alone(
    kinds_of_lines: list[str], rows: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), kinds_of_lines, True)
        first, _ = cut(path, rows, MiB)
        again, _ = cut(path, rows, MiB)
        assert [part.digest for part in first] == [part.digest for part in again]
        assert len({part.digest for part in first}) == len(first)
        if not first:
            return
        text = path.read_bytes()
        changed = first[-1].body.split(b"\n")[0]
        path.write_bytes(text.replace(changed, changed.replace(b'"version": 1', b'"version": 2')))
        other, _ = cut(path, rows, MiB)
    assert [part.digest for part in other[:-1]] == [part.digest for part in first[:-1]]
    assert other[-1].digest != first[-1].digest


@given(st.lists(st.integers(0, 30), max_size=10))
def test_chosen_lines_make_a_part_of_their_own_with_their_numbers(chosen: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        [part], _ = cut(write(Path(folder), ["empty", *["valid"] * 20], True), 100, MiB)
    few = part.select(chosen)
    assert list(few.numbers) == [line + 1 for line in chosen if 1 <= line <= 20]
    assert few.body.count(b"\n") == few.rows


def test_parts_of_the_same_content_are_two_parts(tmp_path: Path) -> None:
    path = tmp_path / "n.ndjson"
    path.write_text((valid(1) + "\n") * 4)
    first, second = cut(path, 2, MiB)[0]
    assert first.body == second.body
    assert first.digest != second.digest


def test_repeated_rows_of_one_version_with_other_content_are_counted(tmp_path: Path) -> None:
    rows = [("a", 1, 1), ("a", 1, 1), ("a", 1, 2), ("a", 2, 3), ("b", 1, 9)]
    path = tmp_path / "n.ndjson"
    path.write_text(
        "".join(json.dumps({"userId": u, "version": v, "items": [i]}) + "\n" for u, v, i in rows)
    )
    [part], _ = cut(path, 100, MiB)
    assert part.repeated == 1


def test_a_part_is_gzip() -> None:
    varied = b"".join(b'{"n":%d}\n' % n for n in range(300_000))
    packed = compress(varied)
    assert gzip.decompress(packed) == varied
    assert len(packed) < len(varied) / 3
