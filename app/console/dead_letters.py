"""Dead letters: what could not be understood or delivered, where it is broken, and what can be done with one or with many."""

import base64
import time
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.console import body
from app.console.events import as_download
from app.services import Services
from schemas.api.dead_letters import REASONS
from schemas.decoding import decode_json_or_percent_encoded
from schemas.sources import SOURCES
from workers.queues.dead_letter_parts import CALLBACK, DELIVERY, Wanted
from workers.queues.dead_letters import Batch, CannotReplay

#: Dead letters on a page of the list.
ON_A_PAGE = 30
FILTERS = ("source", "reason", "sort", "subscription")
#: Letters that are tried again, or discarded, in one step, and seconds after which one request has done enough of them.
STEP, ENOUGH = 100, 2.0
#: Those that could not be tried again of which the page says why.
MOST_REFUSED = 20


def wanted_in(given: Any) -> Wanted:
    """The filter in a query or a form."""
    said: dict[str, str | None] = {name: str(given.get(name, "")).strip() or None for name in FILTERS}
    return {
        "source": said["source"],
        "reason": said["reason"],
        "sort": said["sort"],
        "subscription": said["subscription"],
    }


def add_routes(routes: Blueprint, services: Services) -> None:
    """The list, one, and what can be done."""
    kept = services.dead_letters

    @routes.get("/dead-letters")
    def dead_letters() -> ResponseReturnValue:
        wanted = wanted_in(request.args)
        filters = {name: value for name, value in wanted.items() if value}
        cursor = request.args.get("cursor") or None
        page = kept.list(limit=ON_A_PAGE, cursor=cursor, **wanted)
        return render_template(
            "console/_dead_letter_rows.html" if request.args.get("part") else "console/dead_letters.html",
            letters=page.items,
            waiting=kept.count(**wanted),
            following=urlencode({**filters, "cursor": page.next}) if page.next else None,
            filters=filters,
            cursor=cursor,
            refetch=urlencode({**filters, "part": 1}) if cursor is None else None,
            sources=list(SOURCES),
            reasons=REASONS,
            sorts=(CALLBACK, DELIVERY),
            done=request.args.get("done"),
        )

    @routes.get("/dead-letters/<path:letter_id>")
    def dead_letter(letter_id: str) -> ResponseReturnValue:
        found = kept.find(letter_id)
        if found is None:
            return gone(letter_id)
        source = SOURCES.get(found["source"])
        return render_template(
            "console/dead_letter.html",
            letter=found,
            raw=body.shown(
                base64.b64decode(found["raw_base64"]),
                message=found["message"] if found["sort"] == CALLBACK else "",
                percent_encoded=source is not None and source.decode is decode_json_or_percent_encoded,
            ),
        )

    def gone(letter_id: str) -> ResponseReturnValue:
        return render_template("console/dead_letter_gone.html", letter_id=letter_id), 404

    @routes.get("/dead-letter-body/<path:letter_id>")
    def dead_letter_body(letter_id: str) -> Response:
        found = kept.find(letter_id)
        if found is None:
            abort(404)
        return as_download(base64.b64decode(found["raw_base64"]), letter_id)

    @routes.post("/dead-letter-replay/<path:letter_id>")
    def replay(letter_id: str) -> ResponseReturnValue:
        try:
            entry_id = kept.replay(letter_id, force=bool(request.form.get("force")))
        except CannotReplay as error:
            return render_template("console/error.html", status=409, sentence=str(error)), 409
        if entry_id is None:
            return gone(letter_id)
        announce([entry_id])
        return redirect(url_for("console.dead_letters", done="replayed"), 303)

    def announce(entries: list[str]) -> None:
        for entry_id in entries:
            if entry_id:
                services.announcer.announce(entry_id)

    @routes.route("/dead-letter-discard/<path:letter_id>", methods=["GET", "POST"])
    def discard(letter_id: str) -> ResponseReturnValue:
        found = kept.find(letter_id)
        if found is None:
            return gone(letter_id)
        if request.method == "GET":
            return render_template("console/dead_letter_discard.html", letter=found)
        kept.discard(letter_id)
        return redirect(url_for("console.dead_letters", done="discarded"), 303)

    def _in_batches(what: str, wanted: Wanted) -> Batch:
        """Replays or discards what is wanted, for as long as a request may take, going on from where the form before it ended."""
        force = bool(request.form.get("force"))
        before = request.form.get("before") or None
        given = request.form.get("total", "")
        total = int(given) if given.isascii() and given.isdigit() and len(given) < 12 else 0
        refused: dict[str, str] = {}
        began = time.monotonic()
        while True:
            if what == "replay":
                batch = kept.replay_some(limit=STEP, before=before, force=force, **wanted)
            else:
                batch = kept.discard_some(limit=STEP, before=before, **wanted)
            announce(batch.entries)
            total, refused, before = total + batch.done, refused | batch.refused, batch.before
            if before is None or time.monotonic() - began > ENOUGH:
                return Batch(total, dict(list(refused.items())[:MOST_REFUSED]), batch.left, before, [])

    @routes.route("/dead-letters-replay-all", methods=["GET", "POST"], defaults={"what": "replay"})
    @routes.route("/dead-letters-discard-all", methods=["GET", "POST"], defaults={"what": "discard"})
    def with_all(what: str) -> ResponseReturnValue:
        wanted = wanted_in(request.values)
        done = _in_batches(what, wanted) if request.method == "POST" else None
        return render_template(
            "console/dead_letters_all.html",
            what=what,
            filters={name: value for name, value in wanted.items() if value},
            waiting=kept.count(**wanted) if done is None else 0,
            done=done,
            signatures=what == "replay" and wanted["reason"] in (None, "signature") and wanted["sort"] != DELIVERY,
            force=request.form.get("force"),
        )
