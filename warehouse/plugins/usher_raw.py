"""Reads raw files of Usher within DuckDB: lines of a file that may be cut, and rows that are encrypted with their user's key."""

import base64
import csv
import gzip
import zlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dbt.adapters.duckdb.plugins import BasePlugin

NONCE_BYTES = 12
TAG_BYTES = 16


class Plugin(BasePlugin):
    """Registers `usher_lines`, `usher_unseal` and `usher_has_key`. The keys stay in this process, and are written nowhere."""

    def initialize(self, config):
        self.keys = read_keys(config.get("keys"))

    def configure_connection(self, conn):
        ciphers = {key_id: AESGCM(key) for key_id, key in self.keys.items()}

        def unseal(key_id: str | None, sealed: str | None) -> str | None:
            cipher = ciphers.get(key_id)
            return None if cipher is None or sealed is None else decrypt(cipher, sealed)

        def has_key(key_id: str) -> bool:
            return key_id in ciphers

        conn.create_function("usher_lines", lines_of, ["VARCHAR"], "VARCHAR[]")
        conn.create_function("usher_unseal", unseal, ["VARCHAR", "VARCHAR"], "VARCHAR", null_handling="special")
        conn.create_function("usher_has_key", has_key, ["VARCHAR"], "BOOLEAN")


def read_keys(path: str | None) -> dict[str, bytes]:
    """Returns key id -> 32 bytes, from a CSV file without a header: id, key in base64."""
    if not path:
        return {}
    with open(path, newline="") as file:
        return {key_id: base64.b64decode(key) for key_id, key in csv.reader(file)}


def lines_of(path: str) -> list[str]:
    """Returns the lines of a gzip file. A file that is cut, or damaged, has its whole lines, and one more that is no JSON and says so."""
    parts = []
    fault = []
    try:
        with gzip.open(path, "rb") as file:
            while part := file.read(1 << 20):
                parts.append(part)
    except (EOFError, OSError, zlib.error) as error:
        fault = [f"cut: {error}"]
    lines = b"".join(parts).decode("utf-8", errors="replace").split("\n")
    rest = lines.pop()
    return lines + ([rest] if rest and not fault else []) + fault


def decrypt(cipher: AESGCM, sealed: str) -> str | None:
    """Returns the row as JSON; None when it is not what was written."""
    raw = base64.b64decode(sealed)
    nonce, tag = raw[:NONCE_BYTES], raw[NONCE_BYTES : NONCE_BYTES + TAG_BYTES]
    try:
        return cipher.decrypt(nonce, raw[NONCE_BYTES + TAG_BYTES :] + tag, None).decode()
    except InvalidTag:
        return None
