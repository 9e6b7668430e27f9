"""`/metrics`, in Prometheus' text format.

What the store knows is the same whichever process answers; what is counted by web processes is the sum over those of this
machine (`app.counts`). What cannot be read is left out, and the rest is there.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import redis
from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from app.services import Services
from app.state import state
from schemas.sources import SOURCES


class Counter(NamedTuple):
    """A metric that is kept in `ti:counters`, under names that begin with `key`."""

    key: str
    metric: str
    help: str
    #: what the rest of the name is
    label: str = ""
    #: values of it that are there from the start: what begins at 1 has not risen, for Prometheus
    known: tuple[str, ...] = ()
    #: what the label says where there is no rest
    otherwise: str = ""


_SOURCES = tuple(SOURCES)
_TYPES = ("transcode.started", "transcode.updated", "transcode.stopped", "transcode.completed", "transcode.failed")
_REASONS = ("malformed_json", "invalid", "signature", "unreadable", "internal", "undeliverable")
COUNTERS = (
    Counter("recorded", "recorded", "Events recorded", "source", _SOURCES),
    Counter(
        "events",
        "events",
        "Events recorded, by type",
        "type",
        (*_TYPES, "snapshot.completed", "snapshot.failed", "vod"),
    ),
    Counter("duplicates", "duplicates", "Callbacks that had come before", "source", _SOURCES),
    Counter("dead_letters", "dead_letters", "Dead letters, of callbacks and of deliveries", "source", _SOURCES),
    Counter("dead_letter_reasons", "dead_letter_reasons", "Dead letters, by reason", "reason", _REASONS),
    Counter("redelivered", "redelivered_events", "Events handed out again, unconfirmed in time", "queue"),
    Counter(
        "deliveries",
        "deliveries",
        "Deliveries that succeeded, died, were dropped; failed attempts",
        "result",
        ("succeeded", "failed", "dead", "dropped"),
    ),
    Counter(
        "attempts",
        "delivery_attempts",
        "Attempts to deliver, by the class of the answer",
        "answer",
        ("2xx", "3xx", "4xx", "5xx", "none", "task"),
    ),
    Counter(
        "expired",
        "expired",
        "What was kept too long, and is forgotten",
        "what",
        ("events", "unconfirmed", "undelivered", "dead_letters"),
        otherwise="events",
    ),
    Counter("swept", "swept", "Groups of callbacks whose message was lost and sent again"),
    Counter("stalled_workers", "stalled_workers", "Workers that gave up because they no longer consumed"),
)
#: Milliseconds: the bounds of the classes in `attempt_time:<class>`, as delivery_settle.lua has them.
ATTEMPT_TIMES = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 15000)
#: Parts of the state that are stages of the flow.
STAGES = ("spool", "inbox", "deliveries", "dead_letters")

_PREFIX = "transcode_inbox_"

log = logging.getLogger(__name__)


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
        yield _gauge("part_ok", "1 where a part works", "part", {name: part["ok"] for name, part in parts.items()})
        if "spool" in parts:
            yield _gauge("spool_bytes", "Bytes in the spool", "", {"": parts["spool"]["bytes"]})
            yield _gauge("spool_max_bytes", "Bytes the spool may hold", "", {"": parts["spool"]["max_bytes"]})
        yield _gauge("disk_free_bytes", "Bytes free on disk", "", {"": parts["disk"]["free_bytes"]})
        yield _gauge("disk_total_bytes", "Bytes of the disk", "", {"": parts["disk"]["total_bytes"]})
        ages = {name: parts[name]["oldest_seconds"] for name in STAGES if name in parts}
        if "processes" in parts:
            queues = parts["pull_queues"]["queues"]
            ages["pull"] = max((queue["oldest_seconds"] for queue in queues.values()), default=0.0)
        yield _gauge("oldest_seconds", "How long the oldest at a stage of the flow has waited", "stage", ages)
        try:
            yield from self._services.counts.metrics()
        except OSError as error:
            log.warning("what the web processes count cannot be read: %s", error)
        if "processes" not in parts:
            return
        yield from _waiting(parts)
        try:
            yield from self._counted()
            yield from self._memory()
        except redis.RedisError as error:
            log.warning("the store did not answer: %s: %s", type(error).__name__, error)

    def _counted(self) -> Iterator[Metric]:
        kept = {name.decode(): int(count) for name, count in self._services.store.hgetall("ti:counters").items()}
        for counter in COUNTERS:
            family = CounterMetricFamily(
                _PREFIX + counter.metric, counter.help, labels=[counter.label] if counter.label else []
            )
            if counter.label:
                queues = self._services.settings.pull_queues if counter.label == "queue" else ()
                counts = dict.fromkeys((*counter.known, *queues), 0)
                for name, count in kept.items():
                    what, _, rest = name.partition(":")
                    if what == counter.key and (rest or counter.otherwise):
                        counts[rest or counter.otherwise] = count
                for value, count in counts.items():
                    family.add_metric([value], count)
            else:
                family.add_metric([], kept.get(counter.key, 0))
            yield family
        buckets, so_far = [], 0
        for bound in (*map(str, ATTEMPT_TIMES), "inf"):
            so_far += kept.get(f"attempt_time:{bound}", 0)
            buckets.append(("+Inf" if bound == "inf" else str(int(bound) / 1000), so_far))
        yield HistogramMetricFamily(
            _PREFIX + "delivery_seconds",
            "How long attempts to deliver took",
            buckets=buckets,
            sum_value=kept.get("attempt_ms", 0) / 1000,
        )

    def _memory(self) -> Iterator[Metric]:
        about = self._services.store.info("memory")
        yield _gauge("store_memory_bytes", "Bytes the store uses", "", {"": about["used_memory"]})
        most = about.get("maxmemory") or about.get("total_system_memory", 0)
        yield _gauge("store_memory_max_bytes", "Bytes it may use; all of its machine's, if not limited", "", {"": most})


def _waiting(parts: dict[str, Any]) -> Iterator[Metric]:
    inbox, letters, deliveries = parts["inbox"], parts["dead_letters"], parts["deliveries"]
    queues = parts["pull_queues"]["queues"]
    yield _gauge("inbox_entries", "Groups of callbacks waiting", "", {"": inbox["waiting"]})
    yield _gauge("inbox_oldest_seconds", "How long the oldest has waited", "", {"": inbox["oldest_seconds"]})
    yield _gauge("dead_letters_waiting", "Dead letters waiting for an operator", "", {"": letters["waiting"]})
    yield _gauge(
        "deliveries_waiting", "Deliveries not made yet, those under way included", "", {"": deliveries["waiting"]}
    )
    yield _gauge("deliveries_out", "Deliveries under way", "", {"": deliveries["out"]})
    late = {"": deliveries["late_seconds"]}
    yield _gauge("deliveries_late_seconds", "Since when something should have been sent, and was not", "", late)
    open_circuits = {"": deliveries["open_circuits"]}
    yield _gauge("deliveries_open_circuits", "Destinations that get nothing but a probe", "", open_circuits)
    for metric, help_text, number in (
        ("pull_events", "Events in a pull queue, held ones included", "waiting"),
        ("pull_held_events", "Events pulled and not confirmed", "held"),
        ("pull_oldest_seconds", "How long the oldest that nobody holds has waited", "oldest_seconds"),
    ):
        yield _gauge(metric, help_text, "queue", {name: queue[number] for name, queue in queues.items()})
    living = dict.fromkeys(("web", "worker", "clock"), 0)
    for process in parts["processes"]["list"]:
        if process["lives"] and process["kind"] in living:
            living[process["kind"]] += 1
    yield _gauge("processes", "Processes that live", "kind", living)


def _gauge(metric: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    """One value a label; under "" the one value of a metric without labels."""
    family = GaugeMetricFamily(_PREFIX + metric, help_text, labels=[label] if label else [])
    for name, value in values.items():
        family.add_metric([name] if label else [], value)
    return family
