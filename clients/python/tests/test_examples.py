"""The examples and the README's first program run as they are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from flask import Flask
from flask.testing import FlaskClient

from examples.flask_sign_in import create_app

from .pretend_usher import KEY, PretendUsher, refused_with

ROOT = Path(__file__).parent.parent
SECRET = "0123456789abcdef0123456789abcdef"


def python(program: Path, pretend: PretendUsher, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "USHER_URL": pretend.url, "USHER_SERVICE_KEY": KEY}
    return subprocess.run(
        [sys.executable, program],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_nightly_job(pretend: PretendUsher, tmp_path: Path) -> None:
    done = python(ROOT / "examples" / "nightly.py", pretend, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1000 accepted, 0 rejected in ")
    assert done.stdout.endswith("promo.started is event 1 of user-1\nuser-1 may stream: True\n")
    assert len(pretend.pages) == 1_000


def test_the_readmes_first_program(pretend: PretendUsher, tmp_path: Path) -> None:
    [program] = re.findall(
        r"```python\n(# first\.py\n.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    (tmp_path / "first.py").write_text(program)
    done = python(tmp_path / "first.py", pretend, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("ada", "main") in pretend.pages
    assert "1 accepted" in done.stdout


@contextmanager
def flask_app() -> Iterator[Flask]:
    app = create_app()
    try:
        yield app
    finally:
        app.extensions["usher"].close()


@pytest.fixture
def environment(pretend: PretendUsher, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("USHER_URL", pretend.url)
    monkeypatch.setenv("USHER_SERVICE_KEY", KEY)
    monkeypatch.setenv("USHER_JWT_SECRET", SECRET)
    return monkeypatch


def test_the_flask_app_gives_tokens_to_whoever_is_signed_in_and_to_nobody_else(
    pretend: PretendUsher, environment: pytest.MonkeyPatch
) -> None:
    with flask_app() as app:
        check_tokens(pretend, app.test_client())


def check_tokens(pretend: PretendUsher, client: FlaskClient) -> None:
    assert client.get("/session/token").status_code == 401
    assert client.get("/.well-known/jwks.json").status_code == 404
    with client.session_transaction() as session:
        session["user_id"] = "ada"
    token = client.get("/session/token")
    assert token.headers["Cache-Control"] == "no-store"
    assert jwt.decode(token.text, SECRET, algorithms=["HS256"], audience="usher")["sub"] == "ada"
    assert client.get("/may-i-watch").json == {"streaming": True, "version": 2}
    assert client.post("/watchlist/dark").status_code == 204
    assert len(pretend.published) == 1


def test_the_flask_app_says_when_to_try_again(
    pretend: PretendUsher, environment: pytest.MonkeyPatch
) -> None:
    with flask_app() as app:
        client = app.test_client()
        with client.session_transaction() as session:
            session["user_id"] = "ada"
        pretend.faults.append(refused_with(503, "unavailable", retry_after="999"))
        answer = client.get("/may-i-watch")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "999")


def test_the_flask_app_publishes_its_public_key(environment: pytest.MonkeyPatch) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    environment.setenv("USHER_SIGNING_KEY", pem)
    environment.setenv("USHER_SIGNING_KEY_ID", "2026-11")
    with flask_app() as app:
        published = app.test_client().get("/.well-known/jwks.json").json
    assert published is not None
    assert [one["kid"] for one in published["keys"]] == ["2026-11"]
