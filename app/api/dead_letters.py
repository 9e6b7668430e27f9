"""`/api/dead-letters`: what could not be understood, to be replayed or discarded."""

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from app.api.answers import filters, listed, not_found, window
from app.services import Services


def add_routes(routes: Blueprint, services: Services) -> None:
    """The list, one, and what can be done with it."""

    @routes.get("/dead-letters")
    def dead_letters() -> ResponseReturnValue:
        return listed("dead_letters", services.dead_letters.list(**window(), **filters("source", "reason")))

    @routes.get("/dead-letters/<letter_id>")
    def dead_letter(letter_id: str) -> ResponseReturnValue:
        found = services.dead_letters.find(letter_id)
        return not_found("dead letter", letter_id) if found is None else jsonify(found)

    @routes.post("/dead-letters/<letter_id>/replay")
    def replay(letter_id: str) -> ResponseReturnValue:
        force = request.args.get("force", "").lower() in ("1", "true", "yes")
        entry_id = services.dead_letters.replay(letter_id, force=force)
        if entry_id is None:
            return not_found("dead letter", letter_id)
        services.announcer.announce(entry_id)
        return jsonify({"id": letter_id, "replayed": True}), 202

    @routes.delete("/dead-letters/<letter_id>")
    def discard(letter_id: str) -> ResponseReturnValue:
        if not services.dead_letters.discard(letter_id):
            return not_found("dead letter", letter_id)
        return "", 204
