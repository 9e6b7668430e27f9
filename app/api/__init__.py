"""The API for people and scripts: what came in, what it fanned out to, what could not be understood. Bearer `API_TOKEN`."""

import hmac

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from app.api import dead_letters, events, openapi, renditions, subscriptions
from app.api.calls import Api, BadBody
from app.errors import error
from app.services import Services
from schemas.api.query import BadQuery
from workers.queues.listing import BadCursor

PREFIX = "/api"
WWW_AUTHENTICATE = {"WWW-Authenticate": "Bearer"}


def blueprint(services: Services) -> Blueprint:
    """Everything under `/api`."""
    routes = Blueprint("api", __name__, url_prefix=PREFIX)

    routes.record_once(lambda state: state.app.url_map.converters.update(letter=dead_letters.LetterId))

    def is_ours() -> bool:
        # What no route matches, or not with this method, is nobody's blueprint.
        return request.blueprint == routes.name or request.path.startswith(f"{PREFIX}/")

    @routes.before_app_request
    def authorise() -> ResponseReturnValue | None:
        if not is_ours():
            return None
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        expected = services.settings.api_token.encode()
        # A header is bytes, which WSGI shows as Latin-1.
        given = token.strip(" \t").encode("latin-1", "replace")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, expected):
            return error(401, "unauthorized", "This needs `Authorization: Bearer` and the API_TOKEN.", WWW_AUTHENTICATE)
        return None

    @routes.after_app_request
    def keep_nowhere(response: Response) -> Response:
        # Answers hold secrets and raw bodies: no cache on the way is to keep them, and no browser to guess what they are.
        if is_ours():
            response.headers["Cache-Control"] = "no-store"
            response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @routes.errorhandler(BadQuery)
    def bad_query(exception: BadQuery) -> ResponseReturnValue:
        return error(400, exception.code, str(exception))

    @routes.errorhandler(BadBody)
    def bad_body(exception: BadBody) -> ResponseReturnValue:
        return error(400, "bad_body", str(exception))

    @routes.errorhandler(BadCursor)
    def bad_cursor(exception: BadCursor) -> ResponseReturnValue:
        return error(400, "bad_cursor", str(exception))

    api = Api(routes)
    for of in (events, renditions, dead_letters, subscriptions, openapi):
        of.add_routes(api, services)
    return routes
