"""What every template of the console has at hand: words, numbers, times, the session's token, and what is wrong."""

import threading
import time
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, g, render_template, request, session
from flask.typing import ResponseReturnValue

from app.console import language, links, static_files
from app.console.preferences import language as chosen_language
from app.console.preferences import theme
from app.services import Services
from app.state import can_accept, state

#: Seconds that one look at the state serves everybody who asks this process: it is on every page.
STATE_LASTS = 0.9


class Glance:
    """The state of the installation, looked at once a second at most."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._parts: dict[str, Any] = {}
        self._at = float("-inf")

    def parts(self) -> dict[str, Any]:
        """The parts, as `/readyz` tells them."""
        with self._lock:
            if time.monotonic() - self._at > STATE_LASTS:
                self._parts = state(self._services)
                self._at = time.monotonic()
            return self._parts


def problems(parts: dict[str, Any]) -> list[dict[str, str]]:
    """What is wrong: `part` and `message`, as `/readyz` says it; what keeps callbacks from being accepted first."""
    found = [{"part": name, "message": str(part.get("message", ""))} for name, part in parts.items() if not part["ok"]]
    return sorted(found, key=lambda problem: problem["part"] not in ("store", "spool", "disk"))


def register(routes: Blueprint, services: Services) -> None:
    """Gives the templates of `routes` what they have in common."""
    glance = Glance(services)

    @routes.context_processor
    def common() -> dict[str, Any]:
        chosen = chosen_language()
        logged_in = bool(g.get("logged_in"))
        parts = glance.parts() if logged_in else {}
        return {
            **language.Speaker(chosen).functions,
            "language": chosen,
            "theme": theme(),
            "logged_in": logged_in,
            "csrf": session.get("csrf", "") if logged_in else "",
            "parts": parts,
            "problems": problems(parts),
            "can_accept": can_accept(parts) if parts else False,
            "here": request.full_path.rstrip("?") if request.method == "GET" else request.path,
            "static_url": static_files.static_url,
            "is_link": links.is_link,
            "picture_origin": links.picture_origin,
        }

    @routes.after_request
    def tell_health(response: Response) -> Response:
        """Every look of the script, whatever it looks at, brings along what stands at the head of each page."""
        if g.get("logged_in") and ("part" in request.args or request.endpoint == "console.pulse"):
            head = render_template("console/_health.html") + render_template("console/_count.html")
            response.headers["X-Head"] = quote(head)
        return response

    @routes.get("/pulse")
    def pulse() -> ResponseReturnValue:
        """For pages of which nothing is fetched again."""
        return "", 204
