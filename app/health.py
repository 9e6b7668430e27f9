"""Health: `/healthz` says that the process is alive, `/readyz` whether it can accept callbacks, and which part cannot."""

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.services import Services
from app.state import can_accept, state


def blueprint(services: Services) -> Blueprint:
    """The two routes."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def alive() -> ResponseReturnValue:
        return jsonify({"alive": True})

    @routes.get("/readyz")
    def ready() -> ResponseReturnValue:
        parts = state(services)
        is_ready = can_accept(parts)
        return jsonify({"ready": is_ready, "parts": parts}), 200 if is_ready else 503

    return routes
