"""Health: `/healthz` says that the process is alive, `/readyz` whether it can accept callbacks, and which part cannot."""

import redis
from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from app.services import Services


def blueprint(services: Services) -> Blueprint:
    """The two routes."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def alive() -> ResponseReturnValue:
        return jsonify({"alive": True})

    @routes.get("/readyz")
    def ready() -> ResponseReturnValue:
        parts = {"store": _store(services.commit_store)}
        is_ready = all(part["ok"] for part in parts.values())
        return jsonify({"ready": is_ready, "parts": parts}), 200 if is_ready else 503

    return routes


def _store(client: redis.Redis) -> dict[str, object]:
    """Whether the store takes writes, by writing."""
    try:
        client.set("ti:ready", "1", px=60_000)
    except redis.RedisError as error:
        return {"ok": False, "message": f"{type(error).__name__}: {error}"}
    return {"ok": True}
