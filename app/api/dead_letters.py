"""`/api/dead-letters`: what could not be understood, to be replayed or discarded."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.answers import listed, not_found
from app.api.calls import Api, Given
from app.services import Services
from schemas.api.dead_letters import DeadLetter, DeadLettersPage, DeadLettersQuery, Replayed, ReplayQuery


def add_routes(api: Api, services: Services) -> None:
    """The list, one, and what can be done with it."""

    @api.call("GET", "/dead-letters", query=DeadLettersQuery, answers={200: DeadLettersPage})
    def dead_letters(query: Given) -> ResponseReturnValue:
        """Lists dead letters, newest first."""
        return listed("dead_letters", services.dead_letters.list(**query))

    @api.call("GET", "/dead-letters/<letter_id>", answers={200: DeadLetter})
    def dead_letter(letter_id: str) -> ResponseReturnValue:
        """Shows one dead letter with its body."""
        found = services.dead_letters.find(letter_id)
        return not_found("dead letter", letter_id) if found is None else jsonify(found)

    @api.call("POST", "/dead-letters/<letter_id>/replay", query=ReplayQuery, answers={202: Replayed})
    def replay(letter_id: str, query: Given) -> ResponseReturnValue:
        """Tries a dead letter again.

        Its body goes back into the inbox as it came. If it still cannot be understood it comes back under the same id.
        """
        entry_id = services.dead_letters.replay(letter_id, force=query["force"])
        if entry_id is None:
            return not_found("dead letter", letter_id)
        services.announcer.announce(entry_id)
        return jsonify({"id": letter_id, "replayed": True}), 202

    @api.call("DELETE", "/dead-letters/<letter_id>", answers={204: None})
    def discard(letter_id: str) -> ResponseReturnValue:
        """Forgets a dead letter for good."""
        if not services.dead_letters.discard(letter_id):
            return not_found("dead letter", letter_id)
        return "", 204
