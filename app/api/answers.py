"""What the API's calls answer alike: a page, an id that is not there."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.errors import error
from workers.queues.listing import Page


def listed(name: str, page: Page) -> ResponseReturnValue:
    """One page of a list."""
    return jsonify({name: page.items, "next": page.next})


def not_found(what: str, its_id: str) -> ResponseReturnValue:
    """404, in a sentence."""
    return error(404, "not_found", f"There is no {what} {its_id[:200]!r}.")
