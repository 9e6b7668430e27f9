"""`/api/events`: what came in."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.api.answers import filters, listed, not_found, window
from app.services import Services


def add_routes(routes: Blueprint, services: Services) -> None:
    """The list, and one."""

    @routes.get("/events")
    def events() -> ResponseReturnValue:
        given = filters("source", "media_id", "task_id", "type", "status")
        return listed("events", services.listing.events(**window(), **given))

    @routes.get("/events/<path:event_id>")
    def event(event_id: str) -> ResponseReturnValue:
        found = services.events.find(event_id)
        return not_found("event", event_id) if found is None else jsonify(found)
