"""What the API's calls have in common: a list's window and filters, a page, an id that is not there."""

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from app.errors import error
from workers.queues.listing import Page

#: Items a list gives when nothing is said, and at most.
USUAL_LIMIT, MOST_LIMIT = 50, 500


class BadLimit(ValueError):
    """The `limit` asked for is none; the message says what is."""


def window() -> dict[str, Any]:
    """The `limit` and `cursor` of this request. Raises BadLimit."""
    given = request.args.get("limit") or str(USUAL_LIMIT)
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= MOST_LIMIT):
        raise BadLimit(f"limit must be a whole number from 1 to {MOST_LIMIT}, not {given[:20]!r}.")
    return {"limit": int(given), "cursor": request.args.get("cursor") or None}


def filters(*names: str) -> dict[str, Any]:
    """Those query parameters of this request; None for what is absent or empty."""
    return {name: request.args.get(name) or None for name in names}


def listed(name: str, page: Page) -> ResponseReturnValue:
    """One page of a list."""
    return jsonify({name: page.items, "next": page.next})


def not_found(what: str, its_id: str) -> ResponseReturnValue:
    """404, in a sentence."""
    return error(404, "not_found", f"There is no {what} {its_id[:200]!r}.")
