"""The first page: what comes in, what waits and for how long, drawn as the flow; who is running; what is wrong."""

import threading
import time
from typing import Any, NamedTuple

import redis
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.console import sparkline
from app.services import Services
from app.state import LATE_AFTER, STALLED_AFTER
from schemas.sources import SOURCES
from workers.queues.samples import MOST, Samples

#: Seconds the oldest thing at a stage may wait before it is shown as slow, and as wrong.
PATIENCE = {
    "inbox": (5.0, float(STALLED_AFTER)),
    # A client that polls takes what is there at once; one that runs every few minutes is usual as well.
    "pull": (300.0, 3600.0),
    # By how much the most overdue is late: what waits for its next attempt is not late.
    "deliveries": (10.0, float(LATE_AFTER)),
}
#: Seconds by which the next process may begin before the one that it replaces ends.
OVERLAP = 30
#: Seconds that samples once read serve everybody who asks this process.
CURVES_LAST = 2.0


class Stage(NamedTuple):
    """A station of the flow."""

    name: str
    #: `good`, `slow` or `bad`
    level: str
    waiting: int
    #: seconds; None where nothing waits
    oldest: float | None
    #: further numbers: the word for each, and the number
    details: tuple[tuple[str, float], ...] = ()


class Look(NamedTuple):
    """What somebody should look at although nothing is broken: a word of the catalogue with its values, and the page."""

    word: str
    values: dict[str, float]
    page: str


def level(name: str, seconds: float) -> str:
    """`good`, `slow` or `bad` for so many seconds of waiting at a stage."""
    slow, bad = PATIENCE[name]
    return "bad" if seconds > bad else "slow" if seconds > slow else "good"


def flow(stages: dict[str, dict[str, Any]], processes: list[dict[str, Any]]) -> dict[str, Stage]:
    """The stations by name, from what `Stages.look` and `Processes.list` give."""
    inbox, pull, deliveries, letters = (stages[name] for name in ("inbox", "pull", "deliveries", "dead_letters"))
    living = [process for process in processes if process["lives"]]
    workers = sum(process["kind"] == "worker" for process in living)
    return {
        "inbox": _stage("inbox", inbox, level("inbox", inbox["oldest_seconds"])),
        "workers": Stage("workers", "good" if workers else "bad", workers, None),
        "pull": _stage("pull", pull, level("pull", pull["oldest_seconds"]), ("flow.held", pull["held"])),
        "deliveries": _deliveries(deliveries),
        "dead_letters": _stage("dead_letters", letters, "slow" if letters["waiting"] else "good"),
    }


def _deliveries(found: dict[str, Any]) -> Stage:
    """A destination that is paused is worth a look even where nothing waits for it now."""
    paused = int(found["open_circuits"])
    stage = _stage(
        "deliveries",
        found,
        level("deliveries", found["late_seconds"]),
        ("flow.under_way", found["out"]),
        ("flow.paused", paused),
    )
    return stage._replace(level="slow") if paused and stage.level == "good" else stage


def looks(stages: dict[str, dict[str, Any]]) -> list[Look]:
    """What somebody should look at, from what `Stages.look` gives: not what `/readyz` calls wrong, which is said already."""
    pull, deliveries, letters = (stages[name] for name in ("pull", "deliveries", "dead_letters"))
    found = [
        Look(f"look.{name}", {"duration": seconds}, page)
        for name, seconds, page, said_already in (
            ("inbox", stages["inbox"]["oldest_seconds"], "events", "bad"),
            ("pull", pull["oldest_seconds"], "events", None),
            ("deliveries", deliveries["late_seconds"], "subscriptions", "bad"),
        )
        if level(name, seconds) not in ("good", said_already)
    ]
    if deliveries["open_circuits"]:
        found.append(Look("look.circuits", {"n": deliveries["open_circuits"]}, "subscriptions"))
    if letters["waiting"]:
        values = {"n": letters["waiting"], "duration": letters["oldest_seconds"]}
        found.append(Look("look.dead_letters", values, "dead_letters"))
    return found


def _stage(name: str, found: dict[str, Any], how: str, *details: tuple[str, float]) -> Stage:
    waiting = int(found["waiting"])
    return Stage(name, how if waiting else "good", waiting, found["oldest_seconds"] if waiting else None, details)


def with_replacements(processes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each process, and whether it was `replaced`: gone, but one of its kind has begun since, as in a deploy."""

    def replaced(gone: dict[str, Any]) -> bool:
        return not gone["lives"] and any(
            other["lives"] and other["kind"] == gone["kind"] and other["age"] <= gone["silent"] + OVERLAP
            for other in processes
        )

    return [{**process, "replaced": replaced(process)} for process in processes]


class Curves:
    """The curves of all sources, read every other second at most, however many look at them."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._lock = threading.Lock()
        self._read: list[dict[str, Any]] = []
        self._at = float("-inf")

    def rows(self) -> list[dict[str, Any]]:
        """For each source its `name`, `curve`, and how many of what came within the time that the curve shows."""
        with self._lock:
            if time.monotonic() - self._at > CURVES_LAST:
                self._read = self._samples.recent(MOST)
                self._at = time.monotonic()
            samples = self._read
        drawn = sparkline.curves(samples, list(SOURCES), seconds=MOST)
        return [{"name": name, "curve": curve, **_counts(samples, name)} for name, curve in drawn.items()]


def _counts(samples: list[dict[str, Any]], source: str) -> dict[str, int]:
    def more(what: str) -> int:
        name = f"{what}:{source}"
        if not samples:
            return 0
        return max(0, int(samples[-1]["counters"].get(name, 0)) - int(samples[0]["counters"].get(name, 0)))

    return {what: more(what) for what in ("recorded", "duplicates", "dead_letters")}


def add_routes(routes: Blueprint, services: Services) -> None:
    """The page, and the part of it that is refetched."""
    all_curves = Curves(services.samples)

    @routes.get("")
    def overview() -> ResponseReturnValue:
        try:
            processes = services.processes.list()
            looked = services.stages.look()
            context = {
                "flow": flow(looked, processes),
                "looks": looks(looked),
                "queues": looked["pull"].get("queues", {}),
                "sources": all_curves.rows(),
                "processes": with_replacements(processes),
            }
        except redis.RedisError:
            # What is wrong stands above; the page says that, and no numbers.
            context = {"flow": None}
        name = "console/_overview.html" if request.args.get("part") else "console/overview.html"
        return render_template(name, **context, minutes=MOST // 60, box=(sparkline.WIDTH, sparkline.HEIGHT))

    @routes.get("/")
    def with_a_slash() -> ResponseReturnValue:
        return redirect(url_for("console.overview"), 301)
