"""Measures what a push costs this side: rows a second and the greatest resident memory, by number of rows.

A pretend server in another process takes the parts and stores nothing. Each push is a process of its own.

    .venv/bin/python bench/push.py [rows …]      # 100000 and 1000000 by default
    .venv/bin/python bench/push.py --write nightly.parquet 1000000    # only the file, always the same
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path

from usher import Usher

KEY = "usk_bench_0123456789"
GROUP = 50_000
ITEMS = 20


class Taker(BaseHTTPRequestHandler):
    """Accepts every line."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        packed = self.rfile.read(int(self.headers["Content-Length"]))
        rows = zlib.decompress(packed, 31).count(b"\n") if packed else 0
        totals = {"accepted": rows, "unchanged": 0, "stale": 0, "rejectedCount": 0, "rejected": []}
        body = json.dumps(totals).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(ready: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    ready.send(server.server_address[1])
    server.serve_forever()


def write_ndjson(path: Path, rows: int) -> None:
    with path.open("w") as file:
        for n in range(rows):
            file.write(json.dumps(page(n)) + "\n")


def write_parquet(path: Path, rows: int) -> None:
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.Table.from_pylist([page(0)]).schema
    with parquet.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, GROUP):
            group = [page(n) for n in range(start, min(rows, start + GROUP))]
            writer.write_table(pyarrow.Table.from_pylist(group, schema))


def page(n: int) -> dict[str, object]:
    items = [{"titleId": f"film-{(n * 7 + rank) % 9_973}", "rank": rank} for rank in range(ITEMS)]
    return {"userId": f"user-{n}", "profileId": "main", "version": 20261126, "items": items}


def push(url: str, path: str) -> None:
    """Runs in a process of its own; prints what it measured."""
    started = time.monotonic()
    with Usher(url, KEY) as usher:
        summary = usher.recommendations.push(path, resume=False)
    seconds = time.monotonic() - started
    cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    # Not ru_maxrss, which begins with that of the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 1024
    print(
        f"{Path(path).suffix[1:]:8} {summary.accepted:9,} rows {summary.accepted / seconds:8,.0f} rows/s "
        f"{peak:6.0f} MiB at most {1e6 * cpu / summary.accepted:5.1f} µs of CPU a row"
    )


def main(counts: list[int]) -> None:
    """Prints a line for each kind of file and number of rows."""
    mine, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{mine.recv()}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            for write, name in ((write_ndjson, "n.ndjson"), (write_parquet, "n.parquet")):
                for rows in counts:
                    path = Path(folder) / name
                    write(path, rows)
                    subprocess.run(
                        [sys.executable, __file__, "--one", url, str(path)],
                        check=True,
                        timeout=3_600,
                    )
    finally:
        server.terminate()
        server.join(10)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        push(sys.argv[2], sys.argv[3])
    elif sys.argv[1:2] == ["--write"]:
        write_parquet(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main([int(count) for count in sys.argv[1:]] or [100_000, 1_000_000])
