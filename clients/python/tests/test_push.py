"""A push brings every row in, or says which row is not, whatever the line and the server do."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from usher import AsyncUsher, PushError, Rejected, RetryPolicy, SourceError, Usher, UsherError
from usher.recommendations.push import Cancelled, Push, PushOptions
from usher.transport import Connection

from .conftest import QUICK, lines_of, page
from .pretend_usher import (
    KEY,
    Fault,
    Handler,
    PretendUsher,
    cut_after,
    dropped,
    failed_half_way,
    half_the_totals,
    page_of_a_proxy,
    refused_with,
    without_totals,
)

FileOf = Callable[[str], Path]


def pages(count: int) -> list[dict[str, Any]]:
    return [page(n) for n in range(count)]


def expected(rows: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[Any, Any]]:
    return {
        (row["userId"], row.get("profileId", "main")): (row["version"], row["items"])
        for row in rows
    }


def outcome(summary: Any) -> tuple[int, int, int, int, int]:
    return (
        summary.rows,
        summary.accepted,
        summary.unchanged,
        summary.stale,
        summary.rejected_count,
    )


class TestSources:
    def test_lines_plain_and_packed_bring_in_the_same(
        self, pretend: PretendUsher, usher: Usher, tmp_path: Path
    ) -> None:
        text = "\ufeff" + lines_of(pages(50))
        (tmp_path / "a.ndjson").write_text(text, encoding="utf-8")
        (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(text.encode()))
        assert outcome(usher.recommendations.push(tmp_path / "a.ndjson", part=20)) == (
            50,
            50,
            0,
            0,
            0,
        )
        assert pretend.pages == expected(pages(50))
        pretend.pages.clear()
        summary = usher.recommendations.push(str(tmp_path / "a.ndjson.gz"), part=20)
        assert outcome(summary) == (50, 50, 0, 0, 0)
        assert summary.parts == 3
        assert pretend.pages == expected(pages(50))

    def test_rows_of_a_program_are_taken_one_by_one(
        self, pretend: PretendUsher, usher: Usher
    ) -> None:
        taken = 0

        def rows() -> Iterator[dict[str, Any]]:
            nonlocal taken
            for row in pages(100):
                taken += 1
                yield row

        pretend.on_upload = lambda number: read_at_first.append(taken) if number == 0 else None
        read_at_first: list[int] = []
        assert outcome(usher.recommendations.push(rows(), part=10, concurrency=1)) == (
            100,
            100,
            0,
            0,
            0,
        )
        # One part is sent, one waits, one is read: never the whole source.
        assert read_at_first[0] <= 40

    def test_parquet_with_structs_texts_and_times(
        self, pretend: PretendUsher, usher: Usher, tmp_path: Path
    ) -> None:
        arrow = pytest.importorskip("pyarrow")
        import pyarrow.parquet as parquet

        rows = [page(n, items=[{"id": f"film-{n}", "score": 0.5}]) for n in range(2_500)]
        rows[0]["profileId"], rows[7]["profileId"] = "main", "kids"
        parquet.write_table(
            arrow.Table.from_pylist(rows), tmp_path / "n.parquet", row_group_size=700
        )
        assert outcome(usher.recommendations.push(tmp_path / "n.parquet", part=1_000)) == (
            2_500,
            2_500,
            0,
            0,
            0,
        )
        assert pretend.pages == expected(rows)

        pretend.pages.clear()
        as_text = [{**row, "items": json.dumps(row["items"])} for row in rows[:3]]
        as_text[1]["items"] = "{"
        parquet.write_table(arrow.Table.from_pylist(as_text), tmp_path / "t.parquet")
        summary = usher.recommendations.push(tmp_path / "t.parquet")
        assert [(one.line, one.code) for one in summary.rejected] == [(2, "malformed_json")]
        assert pretend.pages == expected([rows[0], rows[2]])

    def test_a_polars_frame(self, pretend: PretendUsher, usher: Usher) -> None:
        polars = pytest.importorskip("polars")
        usher.recommendations.push(polars.DataFrame(pages(2_500)))
        assert pretend.pages == expected(pages(2_500))

    def test_what_cannot_be_read_is_named(
        self, pretend: PretendUsher, usher: Usher, tmp_path: Path
    ) -> None:
        arrow = pytest.importorskip("pyarrow")
        import pyarrow.parquet as parquet

        push = usher.recommendations.push
        with pytest.raises(SourceError, match="no such file"):
            push(tmp_path / "none.ndjson")
        (tmp_path / "n.csv").write_text("a")
        with pytest.raises(SourceError, match="name must end"):
            push(tmp_path / "n.csv")
        (tmp_path / "n.parquet").write_text("no parquet")
        with pytest.raises(SourceError, match=r"n\.parquet"):
            push(tmp_path / "n.parquet")
        parquet.write_table(arrow.table({"user_id": ["a"]}), tmp_path / "m.parquet")
        with pytest.raises(SourceError, match="no column items, userId, version; it has user_id"):
            push(tmp_path / "m.parquet")
        with pytest.raises(SourceError, match="Row 1"):
            push([["no", "mapping"]])  # type: ignore[list-item]
        with pytest.raises(SourceError, match="mappings"):
            push({"userId": "one row is no list"})  # type: ignore[dict-item]
        assert pretend.pages == {}

    def test_a_packed_file_that_is_cut_off_is_an_error_and_its_beginning_is_in(
        self, pretend: PretendUsher, usher: Usher, tmp_path: Path
    ) -> None:
        packed = gzip.compress(lines_of(pages(5_000)).encode())
        (tmp_path / "n.ndjson.gz").write_bytes(packed[: len(packed) // 2])
        with pytest.raises(SourceError, match="to its end"):
            usher.recommendations.push(tmp_path / "n.ndjson.gz", part=100)
        assert 0 < len(pretend.pages) < 5_000


class TestFailures:
    @pytest.mark.parametrize(
        "fault",
        [
            dropped,
            refused_with(503, "draining"),
            refused_with(503, "unavailable", retry_after="0"),
            refused_with(429, "rate_limited", retry_after="0"),
            page_of_a_proxy(502),
            page_of_a_proxy(200),
            cut_after(700),
            without_totals,
            half_the_totals,
            failed_half_way("unavailable", retryable=True),
            failed_half_way("invalid_request", retryable=False),
        ],
    )
    def test_a_part_that_failed_is_sent_again_until_it_is_in(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf, fault: Fault
    ) -> None:
        pretend.faults.extend([fault] * 4)
        summary = usher.recommendations.push(file_of(lines_of(pages(3_000))), part=1_000)
        assert pretend.pages == expected(pages(3_000))
        assert summary.accepted + summary.unchanged == summary.rows == 3_000
        assert (summary.attempts, summary.parts, summary.warnings) == (7, 3, [])

    def test_a_retry_waits_as_long_as_the_server_asks_for(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slept: list[float] = []

        def sleep(_self: object, seconds: float) -> None:
            slept.append(seconds)

        monkeypatch.setattr("usher.recommendations.workers.Workers._sleep", sleep)
        pretend.faults.append(refused_with(429, "rate_limited", retry_after="7"))
        usher.recommendations.push(file_of(lines_of(pages(10))))
        assert len(slept) == 1
        assert 7 <= slept[0] < 9

    def test_credentials_that_are_refused_are_known_before_anything_is_read(
        self, pretend: PretendUsher, usher: Usher
    ) -> None:
        read: list[int] = []

        def rows() -> Iterator[dict[str, Any]]:
            read.append(1)
            yield page(1)

        with Usher(pretend.url, "usk_wrong_key") as stranger, pytest.raises(PushError) as caught:
            stranger.recommendations.push(rows())
        assert (caught.value.code, caught.value.is_about_credentials) == ("unauthorized", True)
        assert read == []

    def test_a_key_that_is_revoked_meanwhile_ends_it_at_once(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        pretend.faults.extend([refused_with(401, "unauthorized", retryable=False)] * 9)
        with pytest.raises(PushError) as caught:
            usher.recommendations.push(file_of(lines_of(pages(100))), part=10)
        assert (caught.value.code, caught.value.summary.accepted) == ("unauthorized", 0)
        assert pretend.uploads <= 2

    def test_when_the_attempts_are_used_up_the_error_says_how_far_it_came(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        def down_after(number: int) -> None:
            if number >= 2:
                with pretend.lock:
                    pretend.faults.append(refused_with(503, "unavailable"))

        pretend.on_upload = down_after
        path = file_of(lines_of(pages(100)))
        with pytest.raises(PushError) as caught:
            usher.recommendations.push(path, part=10, concurrency=1)
        assert (caught.value.code, caught.value.retryable) == ("unavailable", True)
        assert 20 <= caught.value.summary.accepted <= 30

        pretend.on_upload = lambda _number: None
        pretend.faults.clear()
        summary = usher.recommendations.push(path, part=10)
        assert summary.resumed_parts == caught.value.summary.parts
        assert pretend.pages == expected(pages(100))

    def test_parts_are_sent_side_by_side_as_many_as_asked_for(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        together = threading.Barrier(3, timeout=20)
        most = 0
        inside = 0

        def together_in_threes(handler: Handler) -> bool:
            nonlocal most, inside
            with pretend.lock:
                inside += 1
                most = max(most, inside)
            together.wait()
            with pretend.lock:
                inside -= 1
            return False

        pretend.faults.extend([together_in_threes] * 6)
        usher.recommendations.push(file_of(lines_of(pages(60))), part=10, concurrency=3)
        assert most == 3
        assert pretend.pages == expected(pages(60))


class TestRejectedRows:
    def test_the_servers_line_numbers_are_those_of_the_file(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        rows = pages(30)
        lines = [json.dumps(row) for row in rows]
        lines[3] = "{]"
        lines[4] = ""
        lines[11] = json.dumps(page(11, userId="refused-11"))
        lines[12] = json.dumps(page(12, userId="not valid"))
        lines[28] = json.dumps(page(28, userId="refused-28"))
        path = file_of("\n".join(lines))
        summary = usher.recommendations.push(path, part=7)
        # 1-based: lines[3] is line 4.
        assert sorted((one.line, one.code, one.by) for one in summary.rejected) == [
            (4, "malformed_json", "client"),
            (12, "invalid_request", "server"),
            (13, "invalid_request", "client"),
            (29, "invalid_request", "server"),
        ]
        assert outcome(summary) == (29, 25, 0, 0, 4)
        written = [
            json.loads(text) for text in Path(f"{path}.rejected.ndjson").read_text().splitlines()
        ]
        assert {(one["line"], one["code"], one["by"]) for one in written} == {
            (one.line, one.code, one.by) for one in summary.rejected
        }

    def test_a_line_beyond_every_limit_is_rejected_without_being_held(
        self, pretend: PretendUsher, usher: Usher, tmp_path: Path
    ) -> None:
        path = tmp_path / "n.ndjson"
        with path.open("wb") as file:
            file.write(b"x" * (3 * 1024 * 1024) + b"\n")
            file.write(lines_of(pages(1)).encode())
            file.write(b"y" * 300_000)
        summary = usher.recommendations.push(path)
        assert [(one.line, one.code) for one in summary.rejected] == [
            (1, "payload_too_large"),
            (3, "payload_too_large"),
        ]
        assert summary.accepted == 1

    def test_rows_that_the_server_failed_to_write_are_sent_once_more_by_themselves(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        pretend.unwritable = {"user-7", "user-13"}
        pretend.keep_bodies = True
        summary = usher.recommendations.push(file_of(lines_of(pages(20))))
        assert outcome(summary) == (20, 20, 0, 0, 0)
        assert [gzip.decompress(body).count(b"\n") for body in pretend.bodies] == [20, 2]
        assert pretend.pages == expected(pages(20))

    def test_rejections_that_the_server_only_counts_are_counted_with_their_range(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        rows = [page(n, userId=f"refused-{n}") for n in range(1_005)]
        path = file_of(lines_of(rows))
        summary = usher.recommendations.push(path)
        assert summary.rejected_count == 1_005
        assert len(summary.rejected) == 1_000
        last = json.loads(Path(f"{path}.rejected.ndjson").read_text().splitlines()[-1])
        assert last == {
            "line": 1,
            "code": "unlisted",
            "by": "server",
            "lastLine": 1_005,
            "count": 5,
        }

    def test_the_list_of_an_earlier_run_is_removed(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of("{]\n")
        assert usher.recommendations.push(path).rejected == [
            Rejected(1, "malformed_json", "client", "Not JSON")
        ]
        file_of(lines_of(pages(1)))
        usher.recommendations.push(path)
        assert not Path(f"{path}.rejected.ndjson").exists()


class TestResume:
    def fail_after(
        self, pretend: PretendUsher, usher: Usher, path: Any, uploads: int, **more: Any
    ) -> int:
        """A push that ends when so many parts were sent. Returns how many are noted as in."""
        pretend.uploads = 0
        pretend.on_upload = lambda number: (
            pretend.faults.append(refused_with(403, "forbidden", retryable=False))
            if number >= uploads
            else None
        )
        with pytest.raises(PushError) as caught:
            usher.recommendations.push(path, part=10, concurrency=1, **more)
        pretend.on_upload = lambda _number: None
        pretend.faults.clear()
        pretend.uploads = 0
        return caught.value.summary.parts

    def test_only_what_is_not_in_is_sent(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(100)))
        done = self.fail_after(pretend, usher, path, 4)
        assert done == 4
        summary = usher.recommendations.push(path, part=10)
        assert (summary.resumed_parts, summary.parts, pretend.uploads) == (4, 10, 6)
        assert outcome(summary) == (100, 100, 0, 0, 0)
        assert pretend.pages == expected(pages(100))

    def test_rejected_rows_of_the_first_run_are_in_the_second_ones_list(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        rows = pages(100)
        rows[5]["userId"] = "refused-5"
        path = file_of("{]\n" + lines_of(rows))
        self.fail_after(pretend, usher, path, 4)
        summary = usher.recommendations.push(path, part=10)
        assert [(one.line, one.by) for one in summary.rejected] == [(1, "client"), (7, "server")]

    def test_a_part_that_changed_meanwhile_is_sent(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        rows = pages(100)
        path = file_of(lines_of(rows))
        self.fail_after(pretend, usher, path, 4)
        rows[15] = page(15, version=20261127, items=["new"])
        file_of(lines_of(rows))
        summary = usher.recommendations.push(path, part=10)
        assert (summary.resumed_parts, pretend.uploads) == (3, 7)
        assert pretend.pages == expected(rows)

    def test_a_finished_push_is_sent_anew(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(20)))
        usher.recommendations.push(path)
        pretend.pages.clear()
        assert usher.recommendations.push(path).resumed_parts == 0
        assert pretend.pages == expected(pages(20))

    def test_the_journal_does_not_grow_with_each_night(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(20)))
        sizes = set()
        for _ in range(4):
            usher.recommendations.push(path, part=5)
            sizes.add(Path(f"{path}.usher-journal").read_text().count("\n"))
        assert sizes == {1 + 4 + 4 + 1}  # the server, each part begun and done, the end

    def test_another_server_knows_nothing_of_it(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(100)))
        self.fail_after(pretend, usher, path, 4)
        with Usher(f"{pretend.url}/", KEY, upload_retries=QUICK) as same:
            assert same.recommendations.push(path, part=10).resumed_parts == 4
        self.fail_after(pretend, usher, path, 4)
        with Usher(
            pretend.url.replace("127.0.0.1", "localhost"), KEY, upload_retries=QUICK
        ) as other:
            assert other.recommendations.push(path, part=10).resumed_parts == 0

    def test_without_resume_all_is_sent_and_no_journal_is_left(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(100)))
        self.fail_after(pretend, usher, path, 4)
        assert usher.recommendations.push(path, part=10, resume=False).resumed_parts == 0
        assert not Path(f"{path}.usher-journal").exists()

    def test_rows_of_a_program_resume_by_a_journal_that_is_named(
        self, pretend: PretendUsher, usher: Usher, tmp_path: Path
    ) -> None:
        journal = tmp_path / "night.journal"
        self.fail_after(pretend, usher, pages(100), 4, resume=journal)
        assert usher.recommendations.push(pages(100), part=10, resume=journal).resumed_parts == 4
        assert pretend.pages == expected(pages(100))

    def test_a_last_line_that_was_cut_off_is_ignored(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(100)))
        self.fail_after(pretend, usher, path, 4)
        journal = Path(f"{path}.usher-journal")
        text = journal.read_bytes()
        last_done = text.rindex(b'{"done"')
        journal.write_bytes(text[: last_done + 20])
        assert usher.recommendations.push(path, part=10).resumed_parts == 3
        assert pretend.pages == expected(pages(100))
        # What is written after it can be read the next time.
        assert all(json.loads(line) for line in journal.read_text().splitlines())

    def test_a_file_that_is_no_journal_is_left_as_it_is(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(10)))
        with pytest.raises(SourceError, match="no journal"):
            usher.recommendations.push(pages(10), resume=path)
        assert path.read_text() == lines_of(pages(10))

    def test_two_pushes_of_one_file_at_once_are_refused(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(10)))
        caught: list[UsherError] = []

        def second(_progress: object) -> None:
            with pytest.raises(UsherError) as error:
                usher.recommendations.push(path)
            caught.append(error.value)

        usher.recommendations.push(path, on_progress=second)
        assert [(error.code, error.retryable) for error in caught] == [("in_use", True)]


class TestWarnings:
    def test_other_items_with_the_same_version_are_warned_of(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        rows = pages(30)
        path = file_of(lines_of(rows))
        assert usher.recommendations.push(path, part=10).warnings == []
        rows[12]["items"] = ["other"]
        file_of(lines_of(rows))
        [warning] = usher.recommendations.push(path, part=10).warnings
        assert warning.startswith("1 pages were in Usher with the same version and other items")

    def test_the_same_file_again_is_no_mistake(
        self, pretend: PretendUsher, usher: Usher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(30)))
        for _ in range(3):
            summary = usher.recommendations.push(path, part=10)
            assert summary.warnings == []
        assert summary.unchanged == 30

    def test_older_pages_repeated_rows_and_mixed_versions_are_warned_of(
        self, pretend: PretendUsher, usher: Usher
    ) -> None:
        usher.recommendations.push([page(1)])
        summary = usher.recommendations.push(
            [page(1, version=7), page(2), page(2, items=[]), page(3, version="2026")]
        )
        assert [text.split(" ", 1)[0] for text in summary.warnings] == ["1", "1", "1", "Some"]
        assert "older" in summary.warnings[2]


def test_progress_reaches_the_end(pretend: PretendUsher, usher: Usher, file_of: FileOf) -> None:
    seen: list[float | None] = []
    usher.recommendations.push(
        file_of(lines_of(pages(5_000))),
        part=1_000,
        on_progress=lambda progress: seen.append(progress.fraction),
    )
    assert len(seen) == 5
    assert seen == sorted(seen)  # type: ignore[type-var]
    assert seen[-1] == 1


@pytest.mark.parametrize("options", [{"part": 0}, {"concurrency": 0}, {"concurrency": 99}])
def test_options_out_of_range_are_refused(usher: Usher, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be 1 to"):
        usher.recommendations.push([], **options)  # type: ignore[arg-type]


async def until(holds: Callable[[], bool]) -> None:
    """Returns as soon as the condition holds; fails after 20 s."""
    for _ in range(2_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("the condition never held")


class TestAsync:
    def test_it_does_the_same_and_leaves_the_loop_free(
        self, pretend: PretendUsher, file_of: FileOf
    ) -> None:
        path = file_of(lines_of(pages(100)))
        loop_runs = threading.Event()
        waited: list[bool] = []
        pretend.on_upload = lambda _number: waited.append(loop_runs.wait(20))

        async def main() -> Any:
            async with AsyncUsher(pretend.url, KEY, upload_retries=QUICK) as usher:
                push = asyncio.ensure_future(usher.recommendations.push(path, part=10))
                await until(lambda: pretend.uploads > 0)
                loop_runs.set()  # an upload waits for this: the loop was not blocked by it
                return await push

        assert outcome(asyncio.run(main())) == (100, 100, 0, 0, 0)
        assert all(waited)

    @pytest.mark.parametrize("server", ["down", "silent"])
    def test_a_task_that_is_cancelled_before_the_first_part_ends_within_seconds(
        self,
        pretend: PretendUsher,
        file_of: FileOf,
        monkeypatch: pytest.MonkeyPatch,
        server: str,
    ) -> None:
        monkeypatch.setattr("usher.recommendations.workers._GRACE", 0.1)
        asked = threading.Event()
        ended = threading.Event()

        def answer(handler: Handler) -> bool:
            asked.set()
            if server == "silent":
                return not ended.wait(20)
            return refused_with(503, "draining")(handler)

        pretend.check_fault = answer
        path = file_of(lines_of(pages(10)))

        async def main() -> float:
            slow = RetryPolicy(attempts=2, base=15, random=lambda: 1.0)
            async with AsyncUsher(pretend.url, KEY, upload_retries=slow) as usher:
                push = asyncio.ensure_future(usher.recommendations.push(path))
                await until(asked.is_set)
                push.cancel()
                began = time.monotonic()
                await asyncio.wait([push])
                assert push.cancelled()
                return time.monotonic() - began

        took = asyncio.run(main())
        ended.set()
        assert took < 10

    def test_a_push_that_is_cancelled_while_it_counts_known_parts_ends(
        self, pretend: PretendUsher, file_of: FileOf
    ) -> None:
        def down_after(number: int) -> None:
            if number >= 4:
                pretend.faults.append(refused_with(401, "unauthorized"))

        pretend.on_upload = down_after
        path = file_of(lines_of(pages(50)))
        with Usher(pretend.url, KEY, upload_retries=QUICK) as usher:
            with pytest.raises(PushError):
                usher.recommendations.push(path, part=10, concurrency=1)
        cancelled = threading.Event()
        options = PushOptions(10, 1, True, None, lambda _progress: cancelled.set())
        push = Push(path, options, Connection(pretend.url, KEY, 5), QUICK, cancelled)
        with pytest.raises(Cancelled):
            push.run()
        assert push._summary.resumed_parts == 1

    def test_a_push_that_is_cancelled_while_rows_are_rejected_ends(
        self, pretend: PretendUsher
    ) -> None:
        cancelled = threading.Event()
        read: list[int] = []

        def rows() -> Iterator[dict[str, Any]]:
            for n in range(100):
                read.append(n)
                cancelled.set()
                yield {}

        options = PushOptions(10, 1, True, None, None)
        with pytest.raises(Cancelled):
            Push(rows(), options, Connection(pretend.url, KEY, 5), QUICK, cancelled).run()
        assert read == [0]

    def test_a_cancelled_task_ends_and_the_next_push_goes_on(
        self, pretend: PretendUsher, file_of: FileOf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Nothing here is given up: the delay between two attempts, half a minute, ends at once.
        monkeypatch.setattr("usher.recommendations.workers._GRACE", 60)
        path = file_of(lines_of(pages(200)))

        async def main() -> None:
            slow = RetryPolicy(attempts=50, base=30, longest=30, random=lambda: 1.0)
            async with AsyncUsher(pretend.url, KEY, upload_retries=slow) as usher:
                pretend.on_upload = lambda number: (
                    pretend.faults.append(refused_with(503, "draining")) if number >= 5 else None
                )
                push = asyncio.ensure_future(usher.recommendations.push(path, part=10))
                await until(lambda: pretend.uploads >= 7)
                push.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asyncio.wait_for(push, 20)

        asyncio.run(main())
        pretend.on_upload = lambda _number: None
        pretend.faults.clear()
        with Usher(pretend.url, KEY) as usher:
            assert usher.recommendations.push(path, part=10).resumed_parts >= 4
        assert pretend.pages == expected(pages(200))
