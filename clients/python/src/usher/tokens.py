"""Signs the tokens with which a user's apps connect to Usher."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import jwt
from jwt.algorithms import get_default_algorithms

_USER_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_OWN_CLAIMS = frozenset({"sub", "aud", "iss", "iat", "exp", "jti"})
_SHORTEST_SECRET = 32
"""Bytes; HS256 with a shorter one is weaker than its hash (RFC 7518, section 3.2)."""


class TokenSigner:
    """Signs user tokens as the contract wants them: `sub`, `aud`, `iat`, `exp`, `jti`, and `iss` where it is set.

    HS256 needs the text of `AUTH_JWT_SECRET`. For an asymmetric algorithm (RS, PS, ES 256 to 512, EdDSA) pass the private
    key as PEM and its `kid`, install the extra `crypto`, and serve `jwks()` at Usher's `AUTH_JWKS_URL`. Usher caches keys:
    publish a new one before signing with it.
    """

    def __init__(
        self,
        key: str | bytes,
        *,
        algorithm: str = "HS256",
        kid: str | None = None,
        audience: str = "usher",
        issuer: str | None = None,
        lifetime: timedelta = timedelta(hours=1),
    ) -> None:
        """Raises ValueError for a key that does not fit the algorithm; the message never holds the key."""
        self._algorithm = algorithm
        self._kid = kid
        self._audience = audience
        self._issuer = issuer
        self._lifetime = lifetime
        supported = get_default_algorithms()
        if algorithm == "none" or algorithm not in supported or algorithm in ("HS384", "HS512"):
            raise ValueError(
                f"Tokens cannot be signed with {algorithm}; RS, PS, ES and EdDSA need `usher-client[crypto]`"
            )
        if algorithm == "HS256":
            if len(key.encode() if isinstance(key, str) else key) < _SHORTEST_SECRET:
                raise ValueError(f"The secret needs {_SHORTEST_SECRET} bytes or more")
        elif kid is None:
            raise ValueError(
                "A token that is signed with a private key needs `kid`: Usher finds the key by it"
            )
        try:
            self._key: Any = supported[algorithm].prepare_key(key)
        except (ValueError, TypeError, jwt.InvalidKeyError):
            # Its own message may repeat what was passed.
            raise ValueError(f"The key is no private key (PEM) for {algorithm}") from None

    def __repr__(self) -> str:
        return f"TokenSigner(algorithm={self._algorithm!r}, kid={self._kid!r})"

    def sign(
        self,
        user_id: str,
        *,
        lifetime: timedelta | None = None,
        token_id: str | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """Returns a token of the user. `token_id` (the claim `jti`, random by default) is what revokes this one token.

        `claims` are further ones of yours; Usher ignores them. Raises ValueError for an id that no user can have. Usher refuses
        tokens that live longer than `AUTH_JWT_MAX_DAYS` (30).
        """
        if not _USER_ID.fullmatch(user_id):
            raise ValueError("A user id is 1 to 64 characters of A-Z a-z 0-9 _ . : -")
        if claims is not None and not _OWN_CLAIMS.isdisjoint(claims):
            raise ValueError("`claims` must not set sub, aud, iss, iat, exp or jti")
        now = datetime.now(timezone.utc)
        payload: dict[str, Any] = {
            **(claims or {}),
            "sub": user_id,
            "aud": self._audience,
            "iat": now,
            "exp": now + (self._lifetime if lifetime is None else lifetime),
            "jti": token_id if token_id is not None else uuid.uuid4().hex,
        }
        if self._issuer is not None:
            payload["iss"] = self._issuer
        headers = None if self._kid is None else {"kid": self._kid}
        return jwt.encode(payload, self._key, algorithm=self._algorithm, headers=headers)

    def jwks(self) -> dict[str, list[dict[str, Any]]]:
        """Returns the public half as a JSON Web Key Set, to be served at `AUTH_JWKS_URL`. Raises ValueError for HS256."""
        if self._algorithm == "HS256":
            raise ValueError("A shared secret has no public half")
        public: Any = get_default_algorithms()[self._algorithm].to_jwk(
            self._key.public_key(), as_dict=True
        )
        return {
            "keys": [
                {
                    **public,
                    "kid": self._kid,
                    "alg": self._algorithm,
                    "use": "sig",
                    "key_ops": ["verify"],
                }
            ]
        }
