"""The state of an installation, as far as this process can see it: what `/readyz` and `/metrics` tell."""

import shutil
from typing import Any

import redis

from app.services import Services
from workers.queues.spool import Spool

#: Seconds an entry may wait, with nothing being finished, before the workers count as stalled.
STALLED_AFTER = 15


def state(services: Services) -> dict[str, Any]:
    """The parts by name, each with `ok`, and `message` where it is not. Those that the store tells are absent without it."""
    parts: dict[str, Any] = {"store": _store(services)}
    if services.spool is not None:
        parts["spool"] = _spool(services.spool, services.settings.spool_max_bytes)
    parts["disk"] = _disk(services)
    if not parts["store"]["ok"]:
        return parts
    try:
        parts["inbox"] = _inbox(services)
        parts["dead_letters"] = {"ok": True, "waiting": services.dead_letters.count()}
        parts["pull_queues"] = {
            "ok": True,
            "queues": {
                queue: {"waiting": services.pull_queues.depth(queue), "held": services.pull_queues.held(queue)}
                for queue in services.settings.pull_queues
            },
        }
        parts["processes"] = _processes(services)
    except redis.RedisError as error:
        parts["store"] = _not_ok(error)
    return parts


def can_accept(parts: dict[str, Any]) -> bool:
    """Can callbacks be made durable? The store takes them, or the spool has room and so has the disk it is on."""
    return bool(parts["store"]["ok"] or ("spool" in parts and parts["spool"]["ok"] and parts["disk"]["ok"]))


def _store(services: Services) -> dict[str, Any]:
    try:
        services.durability.probe()
    except redis.RedisError as error:
        return _not_ok(error)
    return {"ok": True}


def _spool(spool: Spool, most: int) -> dict[str, Any]:
    size = spool.size()
    part = {"ok": size < most, "bytes": size, "max_bytes": most}
    return part if part["ok"] else {**part, "message": "The spool is full."}


def _disk(services: Services) -> dict[str, Any]:
    """The disk with the spool, or else with DATA_DIR."""
    path = (services.settings.spool_dir or services.settings.data_dir).absolute()
    while not path.exists():
        path = path.parent
    usage = shutil.disk_usage(path)
    part = {"ok": usage.free > services.settings.max_body_bytes, "free_bytes": usage.free, "total_bytes": usage.total}
    return part if part["ok"] else {**part, "message": "The disk is full."}


def _inbox(services: Services) -> dict[str, Any]:
    sight = services.inbox.sight()
    stalled = sight.waiting > 0 and min(sight.oldest_waited, sight.since_progress) > STALLED_AFTER * 1000
    part: dict[str, Any] = {"ok": not stalled, "waiting": sight.waiting, "oldest_seconds": sight.oldest_waited / 1000}
    if stalled:
        part["message"] = f"Callbacks wait, and no worker has finished one for {sight.since_progress // 1000} s."
    return part


def _processes(services: Services) -> dict[str, Any]:
    found = services.processes.list()
    living = {process["kind"] for process in found if process["lives"]}
    missing = [kind for kind in ("worker", "clock") if kind not in living]
    part: dict[str, Any] = {"ok": not missing, "list": found}
    if missing:
        part["message"] = f"No {' and no '.join(missing)} is running."
    return part


def _not_ok(error: Exception) -> dict[str, Any]:
    return {"ok": False, "message": f"{type(error).__name__}: {error}"}
