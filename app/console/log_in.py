"""Logging in with API_TOKEN, and out."""

import hmac
import threading
import time

from flask import Blueprint, abort, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.console import session
from app.console.links import safe_path
from app.console.preferences import CHOICES, LANGUAGE, remember
from app.services import Services

#: Seconds before a wrong token is answered, and how many may wait for that in one process: no more are looked at meanwhile.
DELAY, MOST_DELAYED = 1.0, 8


class Guesses:
    """Wrong tokens, each of which costs whoever guesses a second."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(MOST_DELAYED)

    def is_right(self, given: str, expected: str) -> bool | None:
        """Is it? None where too many wrong ones are waiting for their answer to look at this one."""
        if not self._places.acquire(blocking=False):
            return None
        try:
            if hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace")):
                return True
            time.sleep(DELAY)
            return False
        finally:
            self._places.release()


def add_routes(routes: Blueprint, services: Services) -> None:
    """The form, what takes it, whether there is a session, and the way out."""
    guesses = Guesses()

    @routes.route("/log-in", methods=["GET", "POST"])
    def log_in() -> ResponseReturnValue:
        wanted = safe_path(request.values.get("next"))
        if request.method == "GET":
            return render_template("console/log_in.html", wanted=wanted, refused=None)
        answer = guesses.is_right(request.form.get("token", "").strip(), services.settings.api_token)
        if answer:
            session.begin()
            response = make_response(redirect(wanted, 303))
            if (chosen := request.args.get(LANGUAGE)) in CHOICES[LANGUAGE]:
                remember(response, LANGUAGE, str(chosen))
            return response
        status, refused = (429, "log_in.busy") if answer is None else (403, "log_in.wrong")
        return render_template("console/log_in.html", wanted=wanted, refused=refused), status

    @routes.get("/session")
    def has_session() -> ResponseReturnValue:
        """For the log-in page: a link from elsewhere comes without a SameSite=Strict cookie, a question from here with it."""
        return jsonify({"logged_in": session.is_logged_in(services)})

    @routes.post("/log-out")
    def log_out() -> ResponseReturnValue:
        session.end(services)
        return redirect(url_for("console.log_in"), 303)

    @routes.get("/log-out")
    def not_by_link() -> ResponseReturnValue:
        abort(405)
