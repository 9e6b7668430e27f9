"""What the web processes of this machine count: callbacks accepted, refused and spooled, groups, and what is pulled.

An acknowledgement costs some 100 us, so what counts it may cost little: once a group, into numbers that lie in memory the
processes share, and `/metrics` gives them their names. Every number is there from the start, for a fixed set of labels:
what a stranger sends makes no new one.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import redis
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from app.group_commit import MOST_CALLBACKS
from app.shared_page import SharedPage
from workers.queues.inbox import Callback

#: Seconds: the bounds of the classes of acknowledgement times. The vendors wait 5 s.
TIMES = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
#: Callbacks: the bounds of the classes of group sizes.
SIZES = (1, 2, 4, 8, 16, 32, MOST_CALLBACKS)
#: The label of callbacks to a source there is not.
UNKNOWN = "unknown"
#: Why a callback is refused, in the words of the answer's `code`.
REFUSALS = ("unknown_source", "wrong_token", "method_not_allowed", "body_too_large", "body_cut_short", "not_durable")
#: Why the store does not take a group, so that it goes to the spool: `unreachable`, `slow`, or its own refusals.
STORE_TROUBLES = ("unreachable", "slow", "full", "read_only", "loading", "refused")

_PREFIX = "transcode_inbox_"
#: More must not happen to such a number than that it is added to.
_Place = int


def trouble(error: redis.RedisError) -> str:
    """Which of STORE_TROUBLES an error is."""
    if isinstance(error, redis.BusyLoadingError):
        return "loading"
    if isinstance(error, redis.TimeoutError):
        return "slow"
    if isinstance(error, redis.ConnectionError):
        return "unreachable"
    if isinstance(error, redis.OutOfMemoryError):
        return "full"
    return "read_only" if isinstance(error, redis.ReadOnlyError) else "refused"


class Counts:
    """The numbers of one process, and their sums over all that share `directory` (None: this process alone)."""

    def __init__(self, *, sources: Iterable[str], queues: Iterable[str], directory: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._places: dict[tuple[str, ...], _Place] = {}
        self._sources = sorted(sources)
        self._queues = list(queues)
        self._accepted = {source: self._place("accepted", source) for source in self._sources}
        self._times = [self._place("time", str(bound)) for bound in (*TIMES, "+Inf")]
        self._time_sum = self._place("time_sum")
        self._sizes = [self._place("size", str(bound)) for bound in SIZES]
        self._size_sum = self._place("size_sum")
        # Which class a group of so many is in.
        self._size_class = [self._sizes[bisect_left(SIZES, size)] for size in range(MOST_CALLBACKS + 1)]
        for source in (*self._sources, UNKNOWN):
            for reason in REFUSALS:
                self._place("refused", source, reason)
        for source in self._sources:
            for why in STORE_TROUBLES:
                self._place("spooled", source, why)
        for queue in self._queues:
            for name in ("pulls", "empty", "pulled", "confirmed", "bad_handles"):
                self._place(name, queue)
        passing = len(self._places)
        for queue in self._queues:
            self._place("waiting", queue)
        self._page = SharedPage(len(self._places), passing=passing, directory=directory)

    def _place(self, *name: str) -> _Place:
        return self._places.setdefault(name, len(self._places))

    def _add(self, number: int, *name: str) -> None:
        place = self._places.get(name)
        if place is not None:
            with self._lock:
                self._page.own[place] += number

    def committed(
        self, entry_id: str | None, callbacks: Sequence[Callback], arrived: Sequence[float], durable: float
    ) -> None:
        """A group was made durable, at the time `durable`; `arrived`, oldest first, are the times its callbacks came at."""
        page = self._page.own
        size = len(callbacks)
        with self._lock:
            for callback in callbacks:
                page[self._accepted[callback.source]] += 1
            page[self._size_class[size]] += 1
            page[self._size_sum] += size
            slowest = bisect_left(TIMES, durable - arrived[0])
            if slowest == bisect_left(TIMES, durable - arrived[-1]):
                page[self._times[slowest]] += size
            else:
                for at in arrived:
                    page[self._times[bisect_left(TIMES, durable - at)]] += 1
            page[self._time_sum] += size * durable - sum(arrived)

    def refused(self, source: str, reason: str) -> None:
        """A callback was not accepted. `source` is whatever the caller named."""
        self._add(1, "refused", source if source in self._accepted else UNKNOWN, reason)

    def spooled(self, callbacks: Sequence[Callback], why: str) -> None:
        """A group went to the spool, for one of STORE_TROUBLES."""
        for callback in callbacks:
            self._add(1, "spooled", callback.source, why)

    def pulled(self, queue: str, events: int) -> None:
        """A pull was answered with so many events."""
        self._add(1, "pulls" if events else "empty", queue)
        if events:
            self._add(events, "pulled", queue)

    def confirmed(self, queue: str, good: int, bad: int) -> None:
        """A call confirmed so many events, and had so many handles that were no good."""
        self._add(good, "confirmed", queue)
        if bad:
            self._add(bad, "bad_handles", queue)

    def waiting(self, queue: str, clients: int) -> None:
        """So many clients of this process wait for events of `queue` now."""
        place = self._places.get(("waiting", queue))
        if place is not None:
            self._page.own[place] = clients

    def accepted(self) -> dict[str, int]:
        """How many callbacks this process has accepted, by source."""
        return {source: int(self._page.own[place]) for source, place in self._accepted.items()}

    def metrics(self) -> Iterator[Metric]:
        """The sums over the processes of this machine, as Prometheus has them. Raises OSError if they cannot be read."""
        sums = self._page.sums()

        def counter(metric: str, help_text: str, labels: Sequence[str], *names: tuple[str, ...]) -> Metric:
            family = CounterMetricFamily(_PREFIX + metric, help_text, labels=labels)
            for name in names:
                family.add_metric(name[1:], sums[self._places[name]])
            return family

        yield counter(
            "accepted",
            "Callbacks acknowledged with 200",
            ["source"],
            *(("accepted", source) for source in self._sources),
        )
        yield counter(
            "refused",
            "Callbacks that were not acknowledged",
            ["source", "reason"],
            # What is wrong with the source is known before which one it is, and the other way round.
            *(name for name in self._places if name[0] == "refused" and self._can_be(*name[1:])),
        )
        yield counter(
            "spooled",
            "Callbacks acknowledged that went to the spool, by what the store's trouble was",
            ["source", "reason"],
            *(name for name in self._places if name[0] == "spooled"),
        )
        yield self._histogram(
            "acknowledgement_seconds",
            "From a callback's body being here to its being durable",
            [str(bound) for bound in TIMES],
            [sums[place] for place in self._times],
            sums[self._time_sum],
        )
        yield self._histogram(
            "group_size",
            "Callbacks made durable by one append",
            [str(bound) for bound in SIZES],
            [*(sums[place] for place in self._sizes), 0.0],
            sums[self._size_sum],
        )
        pulls = CounterMetricFamily(_PREFIX + "pulls", "Pulls answered", labels=["queue", "outcome"])
        waiting = GaugeMetricFamily(_PREFIX + "waiting_clients", "Clients that wait in a long poll", labels=["queue"])
        for queue in self._queues:
            pulls.add_metric([queue, "events"], sums[self._places["pulls", queue]])
            pulls.add_metric([queue, "empty"], sums[self._places["empty", queue]])
            waiting.add_metric([queue], sums[self._places["waiting", queue]])
        yield pulls
        yield waiting
        for name, metric, help_text in (
            ("pulled", "pulled_events", "Events handed out, again or for the first time"),
            ("confirmed", "confirmed_events", "Handles confirmed, again or for the first time"),
            ("bad_handles", "bad_handles", "Handles that confirmed nothing: too late, superseded, or made up"),
        ):
            yield counter(metric, help_text, ["queue"], *((name, queue) for queue in self._queues))

    def _can_be(self, source: str, reason: str) -> bool:
        return (source == UNKNOWN) == (reason == "unknown_source")

    @staticmethod
    def _histogram(name: str, help_text: str, bounds: Sequence[str], counts: Sequence[float], total: float) -> Metric:
        buckets, so_far = [], 0.0
        for bound, count in zip((*bounds, "+Inf"), counts, strict=True):
            so_far += count
            buckets.append((bound, so_far))
        return HistogramMetricFamily(_PREFIX + name, help_text, buckets=buckets, sum_value=total)
