"""`/metrics`, in Prometheus' text format. Numbers come from the store, so every web process gives the same ones."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.services import Services
from app.state import state

_COUNTERS = {
    "recorded": "Events recorded",
    "duplicates": "Callbacks that had come before",
    "dead_letters": "Callbacks that could not be understood",
}


def blueprint(services: Services) -> Blueprint:
    """The one route."""
    routes = Blueprint("metrics", __name__)
    registry = CollectorRegistry()
    registry.register(_Collector(services))

    @routes.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return routes


class _Collector:
    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> list[Metric]:
        """Nothing: what there is depends on what can be reached."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything, read now."""
        parts = state(self._services)
        ok = GaugeMetricFamily("transcode_inbox_part_ok", "1 where a part works", labels=["part"])
        for name, part in parts.items():
            ok.add_metric([name], 1 if part["ok"] else 0)
        yield ok
        if "spool" in parts:
            yield GaugeMetricFamily("transcode_inbox_spool_bytes", "Bytes in the spool", parts["spool"]["bytes"])
        yield GaugeMetricFamily("transcode_inbox_disk_free_bytes", "Bytes free on disk", parts["disk"]["free_bytes"])
        if "processes" in parts:
            yield from self._from_the_store(parts)

    def _from_the_store(self, parts: dict[str, Any]) -> Iterator[Metric]:
        inbox = parts["inbox"]
        yield GaugeMetricFamily("transcode_inbox_inbox_entries", "Groups of callbacks waiting", inbox["waiting"])
        yield GaugeMetricFamily(
            "transcode_inbox_inbox_oldest_seconds", "How long the oldest has waited", inbox["oldest_seconds"]
        )
        yield GaugeMetricFamily(
            "transcode_inbox_dead_letters_waiting",
            "Dead letters waiting for an operator",
            parts["dead_letters"]["waiting"],
        )
        waiting = GaugeMetricFamily(
            "transcode_inbox_pull_events", "Events in a pull queue, held ones included", labels=["queue"]
        )
        held = GaugeMetricFamily(
            "transcode_inbox_pull_held_events", "Events pulled and not confirmed", labels=["queue"]
        )
        for queue, depth in parts["pull_queues"]["queues"].items():
            waiting.add_metric([queue], depth["waiting"])
            held.add_metric([queue], depth["held"])
        yield from (waiting, held)
        processes = GaugeMetricFamily("transcode_inbox_processes", "Processes that live", labels=["kind"])
        for kind in ("web", "worker", "clock"):
            living = sum(p["lives"] for p in parts["processes"]["list"] if p["kind"] == kind)
            processes.add_metric([kind], living)
        yield processes
        yield from self._counters()

    def _counters(self) -> Iterator[Metric]:
        kept = {name.decode(): int(count) for name, count in self._services.store.hgetall("ti:counters").items()}
        for name, help_text in _COUNTERS.items():
            family = CounterMetricFamily(f"transcode_inbox_{name}", help_text, labels=["source"])
            for key, count in kept.items():
                what, _, source = key.partition(":")
                if what == name:
                    family.add_metric([source], count)
            yield family
        yield CounterMetricFamily(
            "transcode_inbox_swept", "Groups of callbacks whose message was lost and sent again", kept.get("swept", 0)
        )
        yield CounterMetricFamily(
            "transcode_inbox_stalled_workers",
            "Workers that gave up because they no longer consumed",
            kept.get("stalled_workers", 0),
        )
