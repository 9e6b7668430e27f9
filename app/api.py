"""The API for people and scripts: what came in, what it fanned out to, what could not be understood. Bearer `API_TOKEN`."""

import hmac
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from app.errors import error
from app.services import Services
from workers.queues.listing import BadCursor, Page

#: Items a list gives when nothing is said, and at most.
USUAL_LIMIT, MOST_LIMIT = 50, 500
WWW_AUTHENTICATE = {"WWW-Authenticate": "Bearer"}


def blueprint(services: Services) -> Blueprint:
    """Everything under `/api`."""
    routes = Blueprint("api", __name__, url_prefix="/api")

    @routes.before_request
    def authorise() -> ResponseReturnValue | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        expected = services.settings.api_token.encode()
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), expected):
            return error(401, "unauthorized", "This needs `Authorization: Bearer` and the API_TOKEN.", WWW_AUTHENTICATE)
        return None

    @routes.errorhandler(BadCursor)
    def bad_cursor(exception: BadCursor) -> ResponseReturnValue:
        return error(400, "bad_cursor", str(exception))

    @routes.errorhandler(_BadLimit)
    def bad_limit(exception: _BadLimit) -> ResponseReturnValue:
        return error(400, "bad_limit", str(exception))

    @routes.get("/events")
    def events() -> ResponseReturnValue:
        return _listed(
            "events",
            services.listing.events(**_window(), **_filters("source", "media_id", "task_id", "type", "status")),
        )

    @routes.get("/events/<path:event_id>")
    def event(event_id: str) -> ResponseReturnValue:
        found = services.events.find(event_id)
        return _not_found("event", event_id) if found is None else jsonify(found)

    @routes.get("/renditions")
    def renditions() -> ResponseReturnValue:
        return _listed("renditions", services.listing.renditions(**_window(), **_filters("media_id", "kind", "name")))

    @routes.get("/dead-letters")
    def dead_letters() -> ResponseReturnValue:
        return _listed("dead_letters", services.dead_letters.list(**_window(), **_filters("source", "reason")))

    @routes.get("/dead-letters/<letter_id>")
    def dead_letter(letter_id: str) -> ResponseReturnValue:
        found = services.dead_letters.find(letter_id)
        return _not_found("dead letter", letter_id) if found is None else jsonify(found)

    @routes.post("/dead-letters/<letter_id>/replay")
    def replay(letter_id: str) -> ResponseReturnValue:
        force = request.args.get("force", "").lower() in ("1", "true", "yes")
        entry_id = services.dead_letters.replay(letter_id, force=force)
        if entry_id is None:
            return _not_found("dead letter", letter_id)
        services.announcer.announce(entry_id)
        return jsonify({"id": letter_id, "replayed": True}), 202

    @routes.delete("/dead-letters/<letter_id>")
    def discard(letter_id: str) -> ResponseReturnValue:
        if not services.dead_letters.discard(letter_id):
            return _not_found("dead letter", letter_id)
        return "", 204

    return routes


class _BadLimit(ValueError):
    pass


def _window() -> dict[str, Any]:
    given = request.args.get("limit") or str(USUAL_LIMIT)
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= MOST_LIMIT):
        raise _BadLimit(f"limit must be a whole number from 1 to {MOST_LIMIT}, not {given[:20]!r}.")
    return {"limit": int(given), "cursor": request.args.get("cursor") or None}


def _filters(*names: str) -> dict[str, Any]:
    return {name: request.args.get(name) or None for name in names}


def _listed(name: str, page: Page) -> ResponseReturnValue:
    return jsonify({name: page.items, "next": page.next})


def _not_found(what: str, its_id: str) -> ResponseReturnValue:
    return error(404, "not_found", f"There is no {what} {its_id[:200]!r}.")
