"""Dead letters: what could not be understood or delivered, where it is broken, and what can be done with it."""

import base64
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.console import body
from app.console.events import as_download
from app.services import Services
from schemas.decoding import decode_json_or_percent_encoded
from schemas.sources import SOURCES

#: Dead letters on a page of the list.
ON_A_PAGE = 30
REASONS = ("malformed_json", "invalid", "signature", "unreadable", "internal")


def add_routes(routes: Blueprint, services: Services) -> None:
    """The list, one, and what can be done."""

    @routes.get("/dead-letters")
    def dead_letters() -> ResponseReturnValue:
        filters = {name: value for name in ("source", "reason") if (value := request.args.get(name, "").strip())}
        cursor = request.args.get("cursor") or None
        page = services.dead_letters.list(
            limit=ON_A_PAGE, cursor=cursor, source=filters.get("source"), reason=filters.get("reason")
        )
        return render_template(
            "console/_dead_letter_rows.html" if request.args.get("part") else "console/dead_letters.html",
            letters=page.items,
            following=urlencode({**filters, "cursor": page.next}) if page.next else None,
            filters=filters,
            cursor=cursor,
            refetch=None if cursor else urlencode(filters),
            sources=list(SOURCES),
            reasons=REASONS,
            done=request.args.get("done"),
        )

    @routes.get("/dead-letters/<path:letter_id>")
    def dead_letter(letter_id: str) -> ResponseReturnValue:
        found = services.dead_letters.find(letter_id)
        if found is None:
            return render_template("console/dead_letter_gone.html", letter_id=letter_id), 404
        source = SOURCES.get(found["source"])
        return render_template(
            "console/dead_letter.html",
            letter=found,
            raw=body.shown(
                base64.b64decode(found["raw_base64"]),
                message=found["message"],
                percent_encoded=source is not None and source.decode is decode_json_or_percent_encoded,
            ),
        )

    @routes.get("/dead-letter-body/<path:letter_id>")
    def dead_letter_body(letter_id: str) -> Response:
        found = services.dead_letters.find(letter_id)
        if found is None:
            abort(404)
        return as_download(base64.b64decode(found["raw_base64"]), letter_id)

    @routes.post("/dead-letter-replay/<path:letter_id>")
    def replay(letter_id: str) -> ResponseReturnValue:
        entry_id = services.dead_letters.replay(letter_id, force=bool(request.form.get("force")))
        if entry_id is None:
            return render_template("console/dead_letter_gone.html", letter_id=letter_id), 404
        services.announcer.announce(entry_id)
        return redirect(url_for("console.dead_letters", done="replayed"), 303)

    @routes.route("/dead-letter-discard/<path:letter_id>", methods=["GET", "POST"])
    def discard(letter_id: str) -> ResponseReturnValue:
        found = services.dead_letters.find(letter_id)
        if found is None:
            return render_template("console/dead_letter_gone.html", letter_id=letter_id), 404
        if request.method == "GET":
            return render_template("console/dead_letter_discard.html", letter=found)
        services.dead_letters.discard(letter_id)
        return redirect(url_for("console.dead_letters", done="discarded"), 303)
