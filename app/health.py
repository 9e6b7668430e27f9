"""Health: `/healthz` says that the process is alive, `/readyz` whether it can accept callbacks, and which part cannot."""

from typing import Any

import redis
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
        document = {"ready": is_ready, "rates": _rates(services, parts), "parts": parts}
        return jsonify(document), 200 if is_ready else 503

    return routes


def _rates(services: Services, parts: dict[str, Any]) -> dict[str, float]:
    """Callbacks a second by source over the last minute, to the hundredth; empty while nobody can say."""
    try:
        rates = services.samples.rates() if parts["store"]["ok"] else {}
    except redis.RedisError:
        rates = {}
    return {source: round(rate, 2) for source, rate in sorted(rates.items())}
