"""Errors as JSON: `{"error": {"code", "message"}}`, for everything but the pull APIs, which have the vendor's own form."""

import logging
from collections.abc import Mapping

import redis
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

#: Bytes a request may have, callbacks apart: they have MAX_BODY_BYTES.
MOST_REQUEST_BYTES = 64 * 1024
#: What a client that may try again is told: seconds.
RETRY = {"Retry-After": "1"}

log = logging.getLogger(__name__)


def error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> ResponseReturnValue:
    """An error answer."""
    return jsonify({"error": {"code": code, "message": message}}), status, dict(headers or {})


def register(app: Flask) -> None:
    """Makes the application answer every error in this form."""

    @app.errorhandler(NotFound)
    def nothing_there(_: NotFound) -> ResponseReturnValue:
        return error(404, "not_found", f"There is nothing at {request.path[:200]!r}.")

    @app.errorhandler(MethodNotAllowed)
    def another_method(exception: MethodNotAllowed) -> ResponseReturnValue:
        allowed = ", ".join(sorted(exception.valid_methods or ()))
        message = f"{request.path[:200]!r} does not answer {request.method[:20]}, but {allowed}."
        return error(405, "method_not_allowed", message, {"Allow": allowed})

    @app.errorhandler(RequestEntityTooLarge)
    def too_large(_: RequestEntityTooLarge) -> ResponseReturnValue:
        return error(413, "body_too_large", f"The body is longer than {request.max_content_length} bytes.")

    @app.errorhandler(HTTPException)
    def http_error(exception: HTTPException) -> ResponseReturnValue:
        code = exception.name.lower().replace(" ", "_")
        response = jsonify({"error": {"code": code, "message": exception.description}})
        response.status_code = exception.code or 500
        response.headers.extend(
            (name, value) for name, value in exception.get_headers() if name not in ("Content-Type", "Content-Length")
        )
        return response

    @app.errorhandler(redis.RedisError)
    def store_error(exception: redis.RedisError) -> ResponseReturnValue:
        log.warning("the store did not answer: %s: %s", type(exception).__name__, exception)
        return error(503, "store_unavailable", "The store does not answer at the moment; please try again.", RETRY)
