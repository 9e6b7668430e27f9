"""`/api/events`: what came in."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from app.api.answers import listed, not_found
from app.api.calls import Api, Given
from app.services import Services
from schemas.api.events import EventsPage, EventsQuery, WholeEvent


def add_routes(api: Api, services: Services) -> None:
    """The list, and one."""

    @api.call("GET", "/events", query=EventsQuery, answers={200: EventsPage})
    def list_events(query: Given) -> ResponseReturnValue:
        """Lists events, newest first."""
        return listed("events", services.listing.events(**query))

    @api.call("GET", "/events/<path:event_id>", answers={200: WholeEvent})
    def show_event(event_id: str) -> ResponseReturnValue:
        """Shows one event with its renditions, the body it came as, and its story."""
        found = services.events.find(event_id)
        return not_found("event", event_id) if found is None else jsonify(found)
