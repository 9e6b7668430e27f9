"""The API for people and scripts: what came in, what it fanned out to, what could not be understood. Bearer `API_TOKEN`."""

import hmac

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.api import dead_letters, events, renditions
from app.api.answers import BadLimit
from app.errors import error
from app.services import Services
from workers.queues.listing import BadCursor

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

    @routes.errorhandler(BadLimit)
    def bad_limit(exception: BadLimit) -> ResponseReturnValue:
        return error(400, "bad_limit", str(exception))

    for of in (events, renditions, dead_letters):
        of.add_routes(routes, services)
    return routes
