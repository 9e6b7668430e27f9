"""What goes wrong, as a page."""

import logging

import redis
from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, default_exceptions

from app.services import Services
from workers.queues.listing import BadCursor

log = logging.getLogger(__name__)


def add_routes(routes: Blueprint, services: Services) -> None:
    """Makes the console answer errors in its own form."""

    def http_error(exception: HTTPException) -> ResponseReturnValue:
        if exception.response is not None:
            return exception.get_response()  # a redirect that the router made
        status = exception.code or 500
        return render_template("console/error.html", status=status, sentence=exception.description), status

    # One by one, because the application's handler for a status goes before a blueprint's for all of them.
    everything: list[type[Exception] | int] = [HTTPException, *default_exceptions]
    for status in everything:
        routes.register_error_handler(status, http_error)

    @routes.errorhandler(BadCursor)
    def bad_cursor(exception: BadCursor) -> ResponseReturnValue:
        return render_template("console/error.html", status=400, sentence=str(exception)), 400

    @routes.errorhandler(redis.RedisError)
    def store_error(exception: redis.RedisError) -> ResponseReturnValue:
        log.warning("console: %s: %s", type(exception).__name__, exception)
        return render_template("console/error.html", status=503, sentence=None), 503

    @routes.get("/<path:anything>")
    def not_there(anything: str) -> ResponseReturnValue:
        abort(404)
