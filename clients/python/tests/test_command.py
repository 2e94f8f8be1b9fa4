"""The command `usher`: its exit codes, and what a killed or interrupted one leaves."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from usher import Usher
from usher.cli import main

from .conftest import lines_of, page
from .pretend_usher import KEY, Handler, PretendUsher, refused_with, running

FileOf = Callable[[str], Path]
Run = Callable[..., tuple[int, str, str]]
LIMIT = 60.0
"""Seconds that anything may take here."""


def start(pretend: PretendUsher, *arguments: str, key: str = KEY) -> subprocess.Popen[str]:
    environment = {**os.environ, "USHER_URL": pretend.url, "USHER_SERVICE_KEY": key}
    command = [sys.executable, "-m", "usher", "recommendations", "push", *arguments]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    assert KEY not in out + err
    return process.returncode, out, err


@pytest.fixture
def command(
    pretend: PretendUsher, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process."""

    def run(*arguments: str, key: str = KEY) -> tuple[int, str, str]:
        monkeypatch.setenv("USHER_URL", pretend.url)
        monkeypatch.setenv("USHER_SERVICE_KEY", key)
        try:
            code = main(["recommendations", "push", *arguments])
        except SystemExit as usage:
            code = int(str(usage.code))
        out, err = capfd.readouterr()
        assert KEY not in out + err
        return code, out, err

    return run


def test_0_when_every_row_is_in(command: Run, file_of: FileOf) -> None:
    code, out, err = command(str(file_of(lines_of([page(1), page(2)]))), "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["accepted"] == 2


def test_1_when_rows_were_rejected(command: Run, file_of: FileOf) -> None:
    path = file_of("{]\n" + lines_of([page(1)]))
    code, out, _ = command(str(path))
    assert code == 1
    assert out.startswith("2 rows: 1 accepted, 0 unchanged (0 conflicting), 0 stale, 1 rejected")
    assert json.loads(Path(f"{path}.rejected.ndjson").read_text())["line"] == 1


@pytest.mark.parametrize(
    "arguments", [[], ["none.ndjson"], [__file__, "--part", "0"], ["a", "--unknown"]]
)
def test_2_when_the_command_or_the_file_is_wrong(command: Run, arguments: list[str]) -> None:
    code, _, err = command(*arguments)
    assert code == 2
    assert err


def test_2_when_the_url_is_not_ushers(pretend: PretendUsher, command: Run, file_of: FileOf) -> None:
    path = file_of(lines_of([page(1)]))
    code, _, err = command(str(path), "--url", f"{pretend.url}/elsewhere")
    assert code == 2
    assert "not_found" in err


@pytest.mark.parametrize("key", ["", "usk_wrong_key"])
def test_3_when_the_key_is_missing_or_refused(command: Run, file_of: FileOf, key: str) -> None:
    code, _, err = command(str(file_of(lines_of([page(1)]))), key=key)
    assert code == 3
    assert "wrong_key" not in err


def test_2_when_the_list_of_rejected_rows_cannot_be_made(
    command: Run, file_of: FileOf, tmp_path: Path
) -> None:
    path = file_of(lines_of([page(1)]))
    bad = tmp_path / "bad.ndjson"
    bad.write_text("{]\n")
    for place in (tmp_path, tmp_path / "none" / "rejected.ndjson"):
        code, _, err = command(str(bad), "--rejected", str(place))
        assert (code, str(place) in err) == (2, True)
    assert command(str(path))[0] == 0


def test_74_when_the_disk_is_full(
    command: Run, file_of: FileOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = file_of(lines_of([page(1)]))
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        code, _, err = command(str(path))
    assert (code, "No space left" in err) == (74, True)
    # The journal was closed: the same command goes on.
    assert command(str(path))[0] == 0


def test_70_with_a_traceback_for_a_fault_of_the_command(
    command: Run, file_of: FileOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_args: object) -> None:
        raise KeyError("fault")

    monkeypatch.setattr("usher.recommendations.push.Push._finish", faulty)
    code, _, err = command(str(file_of(lines_of([page(1)]))))
    assert (code, "KeyError: 'fault'" in err) == (70, True)


def test_75_when_it_may_help_to_try_again(
    pretend: PretendUsher, command: Run, file_of: FileOf
) -> None:
    # Longer than the command is willing to wait: it leaves that to the scheduler.
    pretend.faults.append(refused_with(503, "unavailable", retry_after="999"))
    code, _, err = command(str(file_of(lines_of([page(1)]))))
    assert code == 75
    assert "unavailable" in err


def test_75_while_another_process_pushes_the_file(
    pretend: PretendUsher, command: Run, file_of: FileOf
) -> None:
    path = file_of(lines_of([page(1)]))
    codes: list[int] = []
    with Usher(pretend.url, KEY) as usher:
        usher.recommendations.push(path, on_progress=lambda _: codes.append(command(str(path))[0]))
    assert codes == [75]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_130_when_interrupted_and_what_was_on_its_way_is_noted(
    pretend: PretendUsher, file_of: FileOf, how: signal.Signals
) -> None:
    arrived = threading.Event()
    interrupted = threading.Event()

    def slow(_handler: Handler) -> bool:
        arrived.set()
        return not interrupted.wait(LIMIT)

    pretend.faults.append(slow)
    path = file_of(lines_of([page(n) for n in range(1_000)]))
    process = start(pretend, str(path), "--part", "100", "--concurrency", "1")
    assert arrived.wait(LIMIT)
    process.send_signal(how)
    interrupted.set()
    code, _, err = finish(process)
    assert code == 130
    assert "go on" in err
    code, out, _ = finish(start(pretend, str(path), "--part", "100", "--json"))
    assert code == 0
    assert json.loads(out)["resumedParts"] >= 1
    assert len(pretend.pages) == 1_000


def test_a_push_that_is_killed_three_times_ends_as_one_clean_run(
    pretend: PretendUsher, file_of: FileOf, chance: random.Random
) -> None:
    rows = [page(n, profileId=chance.choice(["main", "kids"])) for n in range(6_000)]
    # Two pages of a night for the same profile: the greater version wins, in whatever order the parts come.
    rows += [
        page(n, profileId=rows[n]["profileId"], version=20261127, items=["late"])
        for n in range(0, 6_000, 7)
    ]
    chance.shuffle(rows)
    rows[40]["userId"] = "refused-by-the-server"
    text = lines_of(rows[:2_000]) + "{]\n" + lines_of(rows[2_000:])
    path = file_of(text)
    arguments = [str(path), "--part", "100", "--quiet", "--json"]

    with running() as clean:
        code, out, _ = finish(start(clean, *arguments, "--no-resume"))
        assert code == 1
        clean_pages, clean_rows = clean.pages, json.loads(out)["rows"]
        clean_rejected = {*Path(f"{path}.rejected.ndjson").read_text().splitlines()}

    for _ in range(3):
        kill_at = pretend.uploads + chance.randint(2, 6)
        process = start(pretend, *arguments)

        def kill(
            number: int, kill_at: int = kill_at, process: subprocess.Popen[str] = process
        ) -> None:
            if number == kill_at:
                # Before the part is stored, in the middle of it, or when it is stored and not yet noted.
                time.sleep(chance.random() * 0.05)
                process.kill()
            elif number > kill_at:
                process.wait(10)  # a quick machine would be through with the file meanwhile

        pretend.on_upload = kill
        finish(process)
        assert process.returncode == -signal.SIGKILL
        assert len(pretend.pages) < len(clean_pages)
    pretend.on_upload = lambda _number: None

    code, out, _ = finish(start(pretend, *arguments))
    summary = json.loads(out)
    assert code == 1
    assert summary["resumedParts"] > 0
    assert pretend.pages == clean_pages
    assert summary["rows"] == clean_rows
    assert {*Path(f"{path}.rejected.ndjson").read_text().splitlines()} == clean_rejected


def test_the_program_ends_although_the_server_never_answers(
    pretend: PretendUsher, file_of: FileOf
) -> None:
    arrived = threading.Event()
    over = threading.Event()

    def silent(_handler: Handler) -> bool:
        arrived.set()
        over.wait(LIMIT)
        return True

    pretend.faults.extend([silent] * 4)
    process = start(pretend, str(file_of(lines_of([page(1)]))))
    assert arrived.wait(LIMIT)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, _, _ = finish(process)
    over.set()
    assert code == 130
    assert time.monotonic() - started < 20
