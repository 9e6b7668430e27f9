"""`/api/renditions`: what the events fanned out to."""

from flask.typing import ResponseReturnValue

from app.api.answers import listed
from app.api.calls import Api, Given
from app.services import Services
from schemas.api.renditions import RenditionsPage, RenditionsQuery


def add_routes(api: Api, services: Services) -> None:
    """The list."""

    @api.call("GET", "/renditions", query=RenditionsQuery, answers={200: RenditionsPage})
    def list_renditions(query: Given) -> ResponseReturnValue:
        """Lists renditions, newest first, each with the event it belongs to."""
        return listed("renditions", services.listing.renditions(**query))
