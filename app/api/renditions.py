"""`/api/renditions`: what the events fanned out to."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from app.api.answers import filters, listed, window
from app.services import Services


def add_routes(routes: Blueprint, services: Services) -> None:
    """The list."""

    @routes.get("/renditions")
    def renditions() -> ResponseReturnValue:
        return listed("renditions", services.listing.renditions(**window(), **filters("media_id", "kind", "name")))
