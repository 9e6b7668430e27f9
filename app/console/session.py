"""Who is logged in: a signed cookie, good for half a day, and the token that every form which changes something carries.

The cookie is signed with a key made from API_TOKEN, so every web process takes every other's, and a new API_TOKEN ends all
sessions. It is HttpOnly, SameSite=Strict, sent to `/console` only, and Secure where the request came by https. Logging out ends
the session itself and not only the cookie:

ti:console:ended:<session>   string; a session that was logged out, kept as long as its cookie could be shown again
"""

import hashlib
import hmac
import logging
import secrets
from datetime import timedelta

import redis
from flask import Blueprint, Flask, abort, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue

from app.services import Services

COOKIE = "transcode_inbox_console"
#: Seconds a session lasts, however much it is used.
LASTS = 12 * 60 * 60

#: What can be seen without a session.
OPEN = frozenset({"console.log_in", "console.has_session", "console.static"})

log = logging.getLogger(__name__)


class Sessions(SecureCookieSessionInterface):
    """Flask's signed cookie, with SHA-256, and Secure where the browser came by https."""

    digest_method = staticmethod(hashlib.sha256)

    def get_cookie_secure(self, app: Flask) -> bool:
        """Did this request come by https, here or at the proxy in front?"""
        return came_by_https()


def came_by_https() -> bool:
    """Did this request come by https, here or at the proxy in front? A client that lies about it only harms itself."""
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return request.is_secure or forwarded == "https"


def prepare(app: Flask, api_token: str) -> None:
    """Gives the application its sessions."""
    app.secret_key = hmac.digest(api_token.encode(), b"transcode-inbox console session", "sha256")
    app.session_interface = Sessions()
    app.permanent_session_lifetime = timedelta(seconds=LASTS)
    app.config |= {
        "SESSION_COOKIE_NAME": COOKIE,
        "SESSION_COOKIE_PATH": "/console",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "SESSION_REFRESH_EACH_REQUEST": False,
    }


def begin() -> None:
    """Begins a new session for whoever sent this request; nothing of an earlier one stays."""
    session.clear()
    session.permanent = True
    session["id"] = secrets.token_hex(16)
    session["csrf"] = secrets.token_urlsafe(32)


def end(services: Services) -> None:
    """Ends the session, for whoever holds its cookie."""
    if "id" in session:
        services.store.set(f"ti:console:ended:{session['id']}", "1", ex=LASTS)
    session.clear()


def is_logged_in(services: Services) -> bool:
    """Does this request belong to a session that is neither over nor logged out?

    While the store does not answer, a session that was logged out cannot be told from others, and counts: whoever is on call
    must see the console most of all then.
    """
    # One that is older than LASTS reads as empty: its signature says when it was made, and it is never made anew.
    if not session.get("id"):
        return False
    try:
        return not services.store.exists(f"ti:console:ended:{session['id']}")
    except redis.RedisError as error:
        log.debug("sessions: %s: %s", type(error).__name__, error)
        return True


def guard(routes: Blueprint, services: Services) -> None:
    """Lets only sessions in, and only forms of our own change anything."""

    @routes.before_request
    def check() -> ResponseReturnValue | None:
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "same-origin") not in (
            "same-origin",
            "none",
        ):
            abort(403, "This form was sent from another site.")
        if request.endpoint in OPEN:
            return None
        g.logged_in = is_logged_in(services)
        if not g.logged_in:
            if "part" in request.args or request.endpoint == "console.pulse":
                abort(401, "The session has ended.")
            where = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("console.log_in", next=where), 303)
        if request.method == "POST" and not hmac.compare_digest(
            request.form.get("csrf", "").encode(), str(session["csrf"]).encode()
        ):
            abort(403, "This form was not made by this session; go back, load the page again, and repeat it.")
        return None
