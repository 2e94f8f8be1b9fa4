"""A Flask back end that signs its users in to Usher.

    pip install flask 'usher-client[crypto]'
    USHER_URL=… USHER_SERVICE_KEY=… USHER_JWT_SECRET=… flask --app flask_sign_in run

The apps fetch `/session/token` whenever they need a token, and the player asks `/may-i-watch`. With a private key in
USHER_SIGNING_KEY in place of the secret, set Usher's AUTH_JWKS_URL to this server's `/.well-known/jwks.json`.
"""

from __future__ import annotations

import os
from datetime import timedelta

from flask import Flask, Response, abort, jsonify, session
from flask.typing import ResponseReturnValue

from usher import Event, TokenSigner, Usher, UsherError


def create_app() -> Flask:
    """Returns the application; its settings are environment variables."""
    app = Flask(__name__)
    app.secret_key = os.environ.get("FLASK_SECRET_KEY") or os.urandom(32)
    signer = make_signer()
    # One client for all requests: it keeps its connections open and may be used by several threads.
    usher = Usher(os.environ["USHER_URL"], os.environ["USHER_SERVICE_KEY"], timeout=5)
    app.extensions["usher"] = usher

    @app.get("/session/token")
    def token() -> ResponseReturnValue:
        """A token of whoever is signed in here. Short-lived: the apps fetch another one when it ends."""
        response = Response(signer.sign(signed_in_user()), mimetype="text/plain")
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/.well-known/jwks.json")
    def jwks() -> ResponseReturnValue:
        """The public key, for Usher."""
        try:
            return jsonify(signer.jwks())
        except ValueError:
            abort(404)

    @app.get("/may-i-watch")
    def may_i_watch() -> ResponseReturnValue:
        """What the user's plan allows now."""
        entitlement = usher.entitlement(signed_in_user())
        return jsonify(streaming=entitlement.capabilities.streaming, version=entitlement.version)

    @app.post("/watchlist/<title>")
    def add_to_watchlist(title: str) -> ResponseReturnValue:
        """Stores it in your database, then tells the user's other devices."""
        user = signed_in_user()
        usher.publish(
            Event(
                user_id=user,
                type="watchlist.changed",
                tier="important",
                key=f"watchlist:{title}",
                data={"title": title},
            )
        )
        return "", 204

    @app.errorhandler(UsherError)
    def usher_failed(error: UsherError) -> ResponseReturnValue:
        """Tells the app whether to try again; what Usher said is for your log, not for the user."""
        app.logger.warning("Usher: %s", error)
        if not error.retryable:
            return jsonify(error="internal"), 500
        response = jsonify(error="try_again")
        response.headers["Retry-After"] = str(int(error.retry_after or 1))
        return response, 503

    return app


def make_signer() -> TokenSigner:
    """Signs with a private key if there is one, and with the shared secret otherwise."""
    private_key = os.environ.get("USHER_SIGNING_KEY")
    lifetime = timedelta(minutes=15)
    if private_key:
        kid = os.environ["USHER_SIGNING_KEY_ID"]
        return TokenSigner(private_key, algorithm="ES256", kid=kid, lifetime=lifetime)
    return TokenSigner(os.environ["USHER_JWT_SECRET"], lifetime=lifetime)


def signed_in_user() -> str:
    """Whose session this is. Your sign-in sets `session["user_id"]`."""
    user = session.get("user_id")
    if not isinstance(user, str):
        abort(401)
    return user
