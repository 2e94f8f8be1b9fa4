"""Checks the rows of the nightly file with the server's own limits, before they are sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn, TypeAlias

MAX_LINE_BYTES = 256 * 1024
"""Of a line without its newline."""
MAX_DEPTH = 16
MAX_ITEMS = 1_000
MAX_VERSION_LENGTH = 64
MAX_VERSION = 2**53 - 1
"""The greatest whole number that JavaScript, in which the server is written, holds exactly."""
DEFAULT_PROFILE = "main"

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
# What PostgreSQL's text cannot hold, and control characters, which only mislead readers.
_FORBIDDEN_IN_VERSION = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSTORABLE = re.compile(r"(?<!\\)(?:\\\\)*\\u0000|[\ud800-\udfff]")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = frozenset(b"[{")
_CLOSING = frozenset(b"]}")
_QUOTE, _BACKSLASH = b'"\\'

Version: TypeAlias = "int | str"


class Page(NamedTuple):
    """A front page that may be sent: its line of NDJSON without the newline, and what identifies it."""

    line: bytes
    user_id: str
    profile_id: str
    version: Version


@dataclass(frozen=True)
class InvalidRow:
    """A row that is not sent. `code` is the one with which the server would reject it."""

    code: str
    message: str


TOO_LONG = InvalidRow("payload_too_large", f"The line is longer than {MAX_LINE_BYTES} bytes")


def page_of_row(row: Mapping[str, Any]) -> Page | InvalidRow:
    """Returns the page of a row with the fields userId, profileId (optional), version and items."""
    # A table has a value in every column; the contract knows no null there.
    fields = {
        name: row[name] for name in ("userId", "profileId", "version", "items") if name in row
    }
    if fields.get("profileId", "") is None:
        del fields["profileId"]
    try:
        text = _ENCODER.encode(fields)
        # An object is never an empty line.
        return page_of_line(text.encode()) or _NOT_AN_OBJECT
    except RecursionError:
        return _TOO_DEEP
    except (TypeError, ValueError) as error:  # UnicodeEncodeError is a ValueError
        return InvalidRow("invalid_request", f"The row cannot be written as JSON: {_reason(error)}")


def page_of_line(line: bytes) -> Page | InvalidRow | None:
    """Returns the page of a line of NDJSON; None for an empty line, which the server counts and ignores.

    Stricter than the server in one point: a line that is not UTF-8 is rejected, where the server would store its
    damaged characters.
    """
    line = line.strip()
    if not line:
        return None
    if len(line) > MAX_LINE_BYTES:
        return TOO_LONG
    try:
        value = _DECODER.decode(line.decode())
    except UnicodeDecodeError:
        return InvalidRow("malformed_json", "The line is not UTF-8")
    except (RecursionError, ValueError):
        # Nesting is looked at first by the server, even in what is not JSON.
        return (
            _TOO_DEEP
            if _text_deeper_than(line, MAX_DEPTH)
            else InvalidRow("malformed_json", "Not JSON")
        )
    # Few brackets cannot be nested deep: the usual case costs two searches.
    if line.count(b"[") + line.count(b"{") > MAX_DEPTH and _deeper_than(line, MAX_DEPTH):
        return _TOO_DEEP
    # What cannot be stored comes only as an escape.
    if b"\\u" in line and _UNSTORABLE.search(json.dumps(value, ensure_ascii=False)):
        return InvalidRow(
            "invalid_request",
            "It holds a character that cannot be stored: U+0000 or half a surrogate pair",
        )
    return _page(line, value)


_NOT_AN_OBJECT = InvalidRow("invalid_request", "It is not an object")
_TOO_DEEP = InvalidRow("too_deep", f"It is nested deeper than {MAX_DEPTH} levels")


def _page(line: bytes, value: Any) -> Page | InvalidRow:
    if not isinstance(value, dict):
        return _NOT_AN_OBJECT
    user_id = value.get("userId")
    profile_id = value.get("profileId", DEFAULT_PROFILE)
    version = value.get("version")
    items = value.get("items")
    for name, identifier in (("userId", user_id), ("profileId", profile_id)):
        if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
            return InvalidRow(
                "invalid_request", f"{name} must be a text of 1 to 64 of A-Z a-z 0-9 _ . : -"
            )
    if isinstance(version, float) and version.is_integer():
        version = int(version)  # 1.0 is a whole number to the server
    if not _is_version(version):
        return InvalidRow(
            "invalid_request",
            f"version must be a whole number from 0, or a text of 1 to {MAX_VERSION_LENGTH} characters",
        )
    if not isinstance(items, list) or len(items) > MAX_ITEMS:
        return InvalidRow("invalid_request", f"items must be a list of at most {MAX_ITEMS}")
    return Page(line, user_id, profile_id, version)  # type: ignore[arg-type]


def _is_version(version: object) -> bool:
    if isinstance(version, bool):
        return False
    if isinstance(version, int):
        return 0 <= version <= MAX_VERSION
    if not isinstance(version, str) or not version:
        return False
    # The server counts code points too.
    return len(version) <= MAX_VERSION_LENGTH and not _FORBIDDEN_IN_VERSION.search(version)


def _deeper_than(text: bytes, levels: int) -> bool:
    """Returns whether JSON is nested deeper. Each round removes the innermost level of brackets; no value is visited."""
    # Without escapes every second piece between quotes is a string.
    outside = b"".join(text.split(b'"')[::2]) if b"\\" not in text else _STRING.sub(b"", text)
    brackets = outside.translate(_ONE_KIND, _NO_BRACKETS)
    for _ in range(levels):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _text_deeper_than(text: bytes, levels: int) -> bool:
    """Returns the same for text that need not be JSON, as the server does: brackets outside of quotes are counted."""
    depth, quoted, escaped = 0, False, False
    for byte in text:
        if quoted:
            if escaped:
                escaped = False
            elif byte == _BACKSLASH:
                escaped = True
            elif byte == _QUOTE:
                quoted = False
        elif byte == _QUOTE:
            quoted = True
        elif byte in _OPENING:
            depth += 1
            if depth > levels:
                return True
        elif byte in _CLOSING:
            depth -= 1
    return False


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _to_json(value: object) -> object:
    """Values of tables that JSON has no form for: times in UTC, whole decimals as whole numbers."""
    if isinstance(value, datetime):
        in_utc = (
            value.replace(tzinfo=timezone.utc)
            if value.tzinfo is None
            else value.astimezone(timezone.utc)
        )
        return in_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"a value of the type {type(value).__name__}")


# Made once: json.dumps and json.loads would make one for each row.
_DECODER = json.JSONDecoder(parse_constant=_not_json)
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_to_json
)


def _reason(error: Exception) -> str:
    return "half a surrogate pair" if isinstance(error, UnicodeError) else str(error)
