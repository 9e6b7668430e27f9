"""The state of an installation, as far as this process can see it: what `/readyz` and `/metrics` tell."""

import shutil
import time
from typing import Any

import redis

from app.services import Services
from workers.queues.spool import Spool

#: Seconds an entry may wait, with nothing being finished, before the workers count as stalled.
STALLED_AFTER = 15
#: Seconds by which a delivery may be late before the workers count as not sending.
LATE_AFTER = 60


def state(services: Services) -> dict[str, Any]:
    """The parts by name, each with `ok`, and `message` where it is not. Those that the store tells are absent without it."""
    parts: dict[str, Any] = {}
    parts["store"], tells = _store(services)
    if services.draining:
        parts["web"] = {"ok": False, "message": "This process was told to stop, and answers what is left."}
    if services.spool is not None:
        parts["spool"] = _spool(services.spool, services.settings.spool_max_bytes)
    parts["disk"] = _disk(services)
    if not tells:
        return parts
    try:
        stages = services.stages.look()
        parts["inbox"] = _inbox(stages["inbox"])
        parts["dead_letters"] = {"ok": True, **stages["dead_letters"]}
        parts["pull_queues"] = {"ok": True, "queues": stages["pull"]["queues"]}
        parts["deliveries"] = _deliveries(stages["deliveries"])
        parts["processes"] = _processes(services)
    except redis.RedisError as error:
        parts["store"] = _not_ok(error)
    return parts


def can_accept(parts: dict[str, Any]) -> bool:
    """Can callbacks be made durable? The store takes them, or the spool has room and so has the disk it is on.

    And is this process to be sent any? Not once it was told to stop.
    """
    if "web" in parts and not parts["web"]["ok"]:
        return False
    return bool(parts["store"]["ok"] or ("spool" in parts and parts["spool"]["ok"] and parts["disk"]["ok"]))


def _store(services: Services) -> tuple[dict[str, Any], bool]:
    """The part, and whether it can tell of others: one that is full takes no callbacks, and answers all the same."""
    try:
        services.durability.probe()
    except redis.RedisError as error:
        return _not_ok(error), isinstance(error, redis.OutOfMemoryError)
    return {"ok": True}, True


def _spool(spool: Spool, most: int) -> dict[str, Any]:
    size = spool.size()
    oldest = spool.oldest() if size else None
    waited = 0.0 if oldest is None else max(0.0, time.time() - oldest / 1000)
    part = {"ok": size < most, "bytes": size, "max_bytes": most, "oldest_seconds": waited}
    return part if part["ok"] else {**part, "message": "The spool is full."}


def _disk(services: Services) -> dict[str, Any]:
    """The disk with the spool, or else with DATA_DIR."""
    path = (services.settings.spool_dir or services.settings.data_dir).absolute()
    while not path.exists():
        path = path.parent
    usage = shutil.disk_usage(path)
    part = {"ok": usage.free > services.settings.max_body_bytes, "free_bytes": usage.free, "total_bytes": usage.total}
    return part if part["ok"] else {**part, "message": "The disk is full."}


def _inbox(stage: dict[str, Any]) -> dict[str, Any]:
    waiting, oldest, idle = stage["waiting"], stage["oldest_seconds"], stage["idle_seconds"]
    stalled = waiting > 0 and min(oldest, idle) > STALLED_AFTER
    part: dict[str, Any] = {"ok": not stalled, "waiting": waiting, "oldest_seconds": oldest}
    if stalled:
        part["message"] = f"Callbacks wait, and no worker has finished one for {idle:.0f} s."
    return part


def _deliveries(stage: dict[str, Any]) -> dict[str, Any]:
    part = {"ok": stage["late_seconds"] <= LATE_AFTER, **stage}
    return part if part["ok"] else {**part, "message": f"Nobody sends what was due {stage['late_seconds']:.0f} s ago."}


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
