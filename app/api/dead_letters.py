"""`/api/dead-letters`: what could not be understood or delivered, to be replayed, discarded, exported and given back."""

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.routing import BaseConverter

from app.api.answers import listed, not_found
from app.api.calls import Api, BadBody, Bytes, Given, Lines
from app.api.lines import read_lines
from app.errors import error
from app.services import Services
from schemas.api.dead_letter_import import DeadLetterImport
from schemas.api.dead_letters import (
    Count,
    DeadLetter,
    DeadLetterFilter,
    DeadLettersPage,
    DeadLettersQuery,
    Imported,
    Replayed,
    ReplayQuery,
    SomeDeadLetters,
    SomeDiscarded,
    SomeReplayed,
    SomeToReplay,
)
from schemas.reading import NotUnderstood, read_callback
from workers.queues.dead_letters import CannotReplay

#: Letters that may be given back in one request.
MOST_IMPORTED = 500
#: Bytes of such a request, at least; and how much room a body of MAX_BODY_BYTES has in it, as text with every character
#: escaped and as base64.
IMPORT_BYTES, IMPORT_TIMES = 8 * 1024 * 1024, 8

CANNOT_REPLAY = "`cannot_replay`: it stays where it is; the message says why."
STILL_BROKEN = "`still_broken`: the body in its place cannot be understood either, so the letter stays as it is."


class LetterId(BaseConverter):
    """Every id has a colon in it, so what has none is another call: `/dead-letters/replay`."""

    regex = "[^/]*:[^/]*"


def import_bytes(max_body_bytes: int) -> int:
    """How long a request may be that gives letters back."""
    return max(IMPORT_BYTES, IMPORT_TIMES * max_body_bytes)


def add_routes(api: Api, services: Services) -> None:
    """The list, one, and what can be done with it, or with many."""
    letters, settings = services.dead_letters, services.settings

    @api.call("GET", "/dead-letters", query=DeadLettersQuery, answers={200: DeadLettersPage})
    def list_dead_letters(query: Given) -> ResponseReturnValue:
        """Lists dead letters, newest first.

        The newest arrival is first; where `since` or `until` are given, the newest receipt. The pages of a list are an
        export: what they hold can be given back.
        """
        return listed("dead_letters", letters.list(**query))

    @api.call("GET", "/dead-letters/count", query=DeadLetterFilter, answers={200: Count})
    def count_dead_letters(query: Given) -> ResponseReturnValue:
        """Counts the dead letters that match."""
        return jsonify({"count": letters.count(**query)})

    @api.call("GET", "/dead-letters/<letter:letter_id>", answers={200: DeadLetter})
    def show_dead_letter(letter_id: str) -> ResponseReturnValue:
        """Shows one dead letter with its body."""
        found = letters.find(letter_id)
        return not_found("dead letter", letter_id) if found is None else jsonify(found)

    @api.call(
        "POST",
        "/dead-letters/<letter:letter_id>/replay",
        query=ReplayQuery,
        body=Bytes(
            "A body to try in the place of the letter's own, as the vendor should have sent it. Callbacks only."
        ),
        answers={202: Replayed},
        errors={400: f"A parameter cannot be understood. {STILL_BROKEN}", 409: CANNOT_REPLAY},
    )
    def replay_dead_letter(letter_id: str, query: Given) -> ResponseReturnValue:
        """Tries a dead letter again.

        A callback's body goes back into the inbox as it came, or the body of this request in its place, with the time it first
        came. If it still cannot be understood it comes back under the same id. A delivery becomes due again.
        """
        request.max_content_length = settings.max_body_bytes
        body, force = request.get_data(), query["force"]
        found = letters.find(letter_id)
        if found is None:
            return not_found("dead letter", letter_id)
        try:
            if body and found["sort"] == "callback":
                _check(found["source"], body, force)
            entry_id = letters.replay(letter_id, force=force, body=body)
        except NotUnderstood as problem:
            return error(400, "still_broken", f"This body cannot be understood either: {problem}.")
        except CannotReplay as problem:
            return error(409, "cannot_replay", str(problem))
        if entry_id is None:
            return not_found("dead letter", letter_id)
        if entry_id:
            services.announcer.announce(entry_id)
        return jsonify({"id": letter_id, "replayed": True}), 202

    def _check(source: str, body: bytes, force: bool) -> None:
        """Whether a worker will understand it, so that whoever mended it learns at once. Raises NotUnderstood."""
        secret = settings.zego_callback_secret
        read_callback(source, body, received_at="", zego_secret=secret, check_signature=not force)

    @api.call("POST", "/dead-letters/replay", body=SomeToReplay, answers={202: SomeReplayed})
    def replay_dead_letters(body: Given) -> ResponseReturnValue:
        """Tries a batch of dead letters again, oldest first.

        Go on with `before` until it is null. Only letters that were there at the first batch are taken.
        """
        batch = letters.replay_some(limit=body["limit"], before=body["before"], force=body["force"], **body["filter"])
        for entry_id in batch.entries:
            services.announcer.announce(entry_id)
        refused = [{"id": letter_id, "message": why} for letter_id, why in batch.refused.items()]
        return jsonify({"replayed": batch.done, "refused": refused, "left": batch.left, "before": batch.before}), 202

    @api.call("POST", "/dead-letters/discard", body=SomeDeadLetters, answers={200: SomeDiscarded})
    def discard_dead_letters(body: Given) -> ResponseReturnValue:
        """Forgets a batch of dead letters for good, oldest first.

        Go on with `before` until it is null. Only letters that were there at the first batch are taken.
        """
        batch = letters.discard_some(limit=body["limit"], before=body["before"], **body["filter"])
        return jsonify({"discarded": batch.done, "left": batch.left, "before": batch.before})

    @api.call("DELETE", "/dead-letters/<letter:letter_id>", answers={204: None})
    def discard_dead_letter(letter_id: str) -> ResponseReturnValue:
        """Forgets a dead letter for good."""
        if not letters.discard(letter_id):
            return not_found("dead letter", letter_id)
        return "", 204

    @api.call("POST", "/dead-letters", body=Lines(DeadLetterImport), answers={200: Imported})
    def import_dead_letters() -> ResponseReturnValue:
        """Gives dead letters back that were exported, as JSON lines; one object or an array will do, too.

        All of them or none: the first that is wrong is named by its line. At most 500, and 8 MiB. One that is here already
        stays as it is.
        """
        request.max_content_length = import_bytes(settings.max_body_bytes)
        given = read_lines(DeadLetterImport, request.get_data(), most=MOST_IMPORTED)
        for number, letter in enumerate(given, 1):
            if len(letter["body"]) > settings.max_body_bytes:
                raise BadBody(
                    f"Letter {number}: its body is longer than the {settings.max_body_bytes} bytes one may have."
                )
        imported = letters.bring_back(given)
        return jsonify({"imported": imported, "known": len(given) - imported})
