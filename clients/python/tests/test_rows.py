"""A row is checked as the server checks it: the same limits, the same codes."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usher.recommendations.rows import (
    MAX_LINE_BYTES,
    InvalidRow,
    Page,
    _deeper_than,
    _text_deeper_than,
    page_of_line,
    page_of_row,
)


def line(**more: Any) -> bytes:
    row = {"userId": "ada", "version": 1, "items": ["film"], **more}
    return json.dumps(row, ensure_ascii=False).encode()


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


VALID = [
    line(),
    line(items=[]),
    line(items=list(range(1_000))),
    line(userId="A-z_0.9:x"),
    line(userId="u" * 64),
    line(profileId="kids"),
    line(version=0),
    line(version=2**53 - 1),
    line(version="2026-11-26"),
    line(version="é" * 64),
    line(version="😀" * 64),
    line(more="fields are ignored"),
    # The object is the first level, `items` the second.
    line(items=nested(15)),
    line(items=["[" * 40]),
    b'{"userId":"ada","version":1.0,"items":["\\u00e9 \\ud83d\\ude00 \\\\u0000"]}',
    b'  {"userId":"ada","version":1,"items":[]}\r',
]
INVALID = [
    (b"not json", "malformed_json"),
    (b'{"userId":"ada","version":1,"items":[}', "malformed_json"),
    (b'{"userId":"ada","version":1,"items":[NaN]}', "malformed_json"),
    (b'{"userId":"ada","version":1,"items":["\xff"]}', "malformed_json"),
    (b"[" * 17, "too_deep"),
    (b"[" * 100_000, "too_deep"),
    (b"[]", "invalid_request"),
    (b"null", "invalid_request"),
    (b"7", "invalid_request"),
    (b"{}", "invalid_request"),
    (line(userId=""), "invalid_request"),
    (line(userId="a b"), "invalid_request"),
    (line(userId="ada\n"), "invalid_request"),
    (line(userId="u" * 65), "invalid_request"),
    (line(userId=7), "invalid_request"),
    (line(profileId=None), "invalid_request"),
    (line(version=-1), "invalid_request"),
    (line(version=1.5), "invalid_request"),
    (line(version=2**53), "invalid_request"),
    (line(version=True), "invalid_request"),
    (line(version=""), "invalid_request"),
    (line(version="v" * 65), "invalid_request"),
    (line(version="😀" * 65), "invalid_request"),
    (line(version="a\tb"), "invalid_request"),
    (line(items=None), "invalid_request"),
    (line(items=list(range(1_001))), "invalid_request"),
    (line(items=nested(16)), "too_deep"),
    (line(items=["x" * MAX_LINE_BYTES]), "payload_too_large"),
    (b'{"userId":"ada","version":1,"items":["\\u0000"]}', "invalid_request"),
    (b'{"userId":"ada","version":1,"items":["\\ud83d"]}', "invalid_request"),
    (b'{"userId":"ada","version":1,"items":[],"more":{"\\u0000":1}}', "invalid_request"),
]


@pytest.mark.parametrize("text", VALID, ids=range(len(VALID)))
def test_what_the_server_accepts_is_sent_as_it_is(text: bytes) -> None:
    page = page_of_line(text)
    assert isinstance(page, Page)
    assert page.line == text.strip()


@pytest.mark.parametrize(("text", "code"), INVALID, ids=range(len(INVALID)))
def test_what_the_server_rejects_is_rejected_here_with_its_code(text: bytes, code: str) -> None:
    invalid = page_of_line(text)
    assert isinstance(invalid, InvalidRow)
    assert invalid.code == code
    assert invalid.message


def test_a_line_of_256_kib_is_the_longest() -> None:
    rest = MAX_LINE_BYTES - len(line(items=[""]))
    assert isinstance(page_of_line(line(items=["x" * rest]) + b"\r\n"), Page)
    assert isinstance(page_of_line(line(items=["x" * (rest + 1)])), InvalidRow)


def test_an_empty_line_is_no_row() -> None:
    assert page_of_line(b" \r\n") is None


def test_the_profile_is_main_where_none_is_named() -> None:
    assert page_of_line(line()) == Page(line(), "ada", "main", 1)


def test_values_of_tables_become_json() -> None:
    row = {
        "userId": "ada",
        "profileId": None,
        "version": Decimal(7),
        "items": [
            {
                "at": datetime(2026, 1, 2, tzinfo=timezone.utc),
                "day": date(2026, 1, 2),
                "n": Decimal("0.5"),
            }
        ],
        "another_column": object(),
    }
    page = page_of_row(row)
    assert isinstance(page, Page)
    assert json.loads(page.line) == {
        "userId": "ada",
        "version": 7,
        "items": [{"at": "2026-01-02T00:00:00.000Z", "day": "2026-01-02", "n": 0.5}],
    }


@pytest.mark.parametrize("bad", [object(), float("nan"), b"bytes", "\ud800"])
def test_a_row_that_json_cannot_hold_is_rejected_and_ends_nothing(bad: object) -> None:
    invalid = page_of_row({"userId": "ada", "version": 1, "items": [bad]})
    assert isinstance(invalid, InvalidRow)
    assert invalid.code == "invalid_request"


json_values = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('[]{}"\\a')),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=20,
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(json_values)
def test_depth_is_that_of_the_value_whatever_its_texts_hold(value: object) -> None:
    text = json.dumps(value).encode()
    for levels in range(8):
        assert _deeper_than(text, levels) == (depth_of(value) > levels)
        assert _text_deeper_than(text, levels) == (depth_of(value) > levels)
