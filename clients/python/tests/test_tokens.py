"""User tokens have the claims that the contract wants."""

from __future__ import annotations

import json
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from usher import TokenSigner

SECRET = "0123456789abcdef0123456789abcdef"


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_token_says_whose_it_is_for_whom_and_for_how_long() -> None:
    signer = TokenSigner(SECRET, issuer="https://sign-in.example", lifetime=timedelta(minutes=5))
    token = signer.sign("ada", claims={"role": "child"})
    claims = jwt.decode(
        token, SECRET, algorithms=["HS256"], audience="usher", issuer="https://sign-in.example"
    )
    assert claims["sub"] == "ada"
    assert claims["exp"] - claims["iat"] == 300
    assert claims["role"] == "child"
    assert len(claims["jti"]) == 32
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}


def test_each_token_can_be_revoked_by_an_id_of_its_own() -> None:
    signer = TokenSigner(SECRET)
    ids = {
        jwt.decode(signer.sign("ada"), SECRET, algorithms=["HS256"], audience="usher")["jti"]
        for _ in range(3)
    }
    assert len(ids) == 3
    own = jwt.decode(
        signer.sign("ada", token_id="mine"), SECRET, algorithms=["HS256"], audience="usher"
    )
    assert own["jti"] == "mine"


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", pem(rsa.generate_private_key(65537, 2048))),
        ("ES256", pem(ec.generate_private_key(ec.SECP256R1()))),
        ("EdDSA", pem(ed25519.Ed25519PrivateKey.generate())),
    ],
)
def test_an_asymmetric_token_is_verified_by_the_published_key_alone(
    algorithm: str, key: bytes
) -> None:
    signer = TokenSigner(key, algorithm=algorithm, kid="2026-11")
    token = signer.sign("ada")
    published = jwt.PyJWKSet.from_json(json.dumps(signer.jwks()))["2026-11"]
    assert jwt.get_unverified_header(token)["kid"] == "2026-11"
    assert (
        jwt.decode(token, published.key, algorithms=[algorithm], audience="usher")["sub"] == "ada"
    )
    assert not {"d", "p", "q", "k"} & set(signer.jwks()["keys"][0])


@pytest.mark.parametrize("user_id", ["", "a b", "a" * 65, "ada\n", "é"])
def test_an_id_that_no_user_can_have_is_refused(user_id: str) -> None:
    with pytest.raises(ValueError, match="user id"):
        TokenSigner(SECRET).sign(user_id)


def test_the_claims_that_usher_reads_cannot_be_set_by_the_way() -> None:
    with pytest.raises(ValueError, match="claims"):
        TokenSigner(SECRET).sign("ada", claims={"sub": "eve"})


@pytest.mark.parametrize(
    ("key", "algorithm", "kid", "why"),
    [
        ("short-secret", "HS256", None, "32 bytes"),
        (SECRET, "none", None, "none"),
        (SECRET, "HS512", None, "HS512"),
        (SECRET, "RS256", "k", "PEM"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "ES256", None, "kid"),
    ],
)
def test_a_key_that_does_not_fit_is_refused_and_never_repeated(
    key: str | bytes, algorithm: str, kid: str | None, why: str
) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        TokenSigner(key, algorithm=algorithm, kid=kid)
    assert str(key) not in str(caught.value)


def test_a_shared_secret_is_never_published() -> None:
    signer = TokenSigner(SECRET)
    assert SECRET not in repr(signer)
    with pytest.raises(ValueError, match="no public half"):
        signer.jwks()
