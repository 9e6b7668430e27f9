"""A million callbacks waiting: whether web, workers and pulls go as fast as with none, and whether workers
stay small.

Each case is one pass through one store: callbacks are posted, then acknowledgements are timed, then the
workers record all of it, then events are pulled. The deep case wants about 14 GB of memory, 30 GB of disk,
and a quarter of an hour.
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from tests.bench.contestants import our_web, our_workers, recorded, waiting
from tests.bench.end_to_end import WORKERS, drained, wait_until_empty
from tests.bench.load import post, wrk
from tests.bench.plan import Plan
from tests.bench.pull import drain
from tests.bench.report import Ratio, Row, Section, say
from tests.bench.servers import Server, Valkey, resident_bytes, valkey

#: Callbacks that wait in the deep case.
DEEP = 1_000_000
#: Events over which the workers' rate is taken.
RECORDED = 40_000
#: Connections of the load generator.
CONNECTIONS = 64
#: Callbacks over which the memory of a worker is watched, and after how many it counts as warmed up.
WATCHED, WARM = 200_000, 20_000
#: Events a pull is timed over.
PULLED = 10_000
#: Events pulled and left unconfirmed while more are pulled; all within the 30 s that they are held.
UNCONFIRMED, CONSUMERS = 100_000, 4

#: What is left of the rate, at least.
REQUIRED_DEEP = 0.85
#: How much more memory a worker may need than once it is warm.
REQUIRED_FLAT = 1.1

MIB = 1024 * 1024


@dataclass(slots=True)
class _Case:
    """What was found with so many callbacks waiting: rates a second, memory in bytes."""

    acknowledged: float
    recorded: float
    pulled: float
    waiting_callback: float
    kept_event: float
    #: resident memory of the largest worker, after so many events
    memory: list[tuple[int, int]]
    #: pulled a second while many others are unconfirmed
    pulled_beside: float | None = None


def deep(plan: Plan) -> Section:
    """Both cases, and what had to stay as it was."""
    many, held = plan.count(DEEP), plan.count(UNCONFIRMED)
    before = _case(plan, 0, unconfirmed=0)
    full = _case(plan, many, unconfirmed=held)
    none = _better(before, _case(plan, 0, unconfirmed=0))
    section = Section(f"With {many:,} callbacks waiting")
    for setting, case in (("none waiting", none), (f"{many:,} waiting", full)):
        section.rows += [
            Row("acknowledged", setting, case.acknowledged, "req/s"),
            Row("recorded", setting, case.recorded, "events/s"),
            Row("pulled and confirmed", setting.replace("waiting", "more to pull"), case.pulled, "events/s"),
            Row("memory of a waiting callback", setting, case.waiting_callback, "bytes"),
            Row("memory of a kept event", setting, case.kept_event, "bytes"),
        ]
    section.ratios += [
        Ratio(f"acknowledged, {many:,} waiting / none", full.acknowledged / none.acknowledged, REQUIRED_DEEP),
        Ratio(f"recorded, {many:,} waiting / none", full.recorded / none.recorded, REQUIRED_DEEP),
        Ratio(f"pulled, {many:,} more to pull / few", full.pulled / none.pulled, REQUIRED_DEEP),
    ]
    if full.pulled_beside is not None:
        section.rows.append(Row("pulled and confirmed", f"{held:,} unconfirmed", full.pulled_beside, "events/s"))
        section.ratios.append(
            Ratio(f"pulled, {held:,} unconfirmed / none", full.pulled_beside / full.pulled, REQUIRED_DEEP)
        )
    _judge_memory(full.memory, plan, section)
    section.notes.append(
        f"Default server. Acknowledged: wrk, {CONNECTIONS} connections, {plan.seconds:g} s; "
        f"recorded: the first {plan.count(RECORDED):,} events, {WORKERS} workers; "
        f"pulled: {plan.count(PULLED):,} events, one plain client."
    )
    return section


def _better(first: _Case, second: _Case) -> _Case:
    """The case without a backlog is run before and after the deep one; the better of the two is what is compared with."""
    return replace(
        first,
        acknowledged=max(first.acknowledged, second.acknowledged),
        recorded=max(first.recorded, second.recorded),
        pulled=max(first.pulled, second.pulled),
    )


def _case(plan: Plan, callbacks: int, unconfirmed: int) -> _Case:
    with valkey() as store, our_web("gunicorn").serving(store) as url:
        before = store.used_memory()
        wrk(url, CONNECTIONS, min(2, plan.seconds / 2))
        if callbacks:
            say(f"  posting {callbacks:,} callbacks")
            post(url, callbacks)
        # What is compared is a deep backlog with none, not a rewrite of two gigabytes with none.
        store.wait_for_rewrite()
        acknowledged = wrk(url, CONNECTIONS, plan.seconds).per_second
        total = waiting(store)
        waiting_callback = (store.used_memory() - before) / total
        say(f"  acknowledged {acknowledged:,.0f}/s; recording {total:,}")
        with our_workers(store, WORKERS) as workers:
            with _watched(workers, store) as memory:
                rate = drained(lambda: recorded(store), min(total, plan.count(RECORDED)), workers)
                drained(lambda: recorded(store), total, workers)
            wait_until_empty(store)
        kept_event = (store.used_memory() - before) / total
        say(f"  recorded {rate:,.0f}/s; pulling")
        base = f"http://{urlsplit(url).netloc}"
        pulled = drain("pull_ours.py", base, 1, plan.count(PULLED), limited=True)
        case = _Case(acknowledged, rate, pulled, waiting_callback, kept_event, memory)
        if unconfirmed:
            drain("pull_ours.py", base, CONSUMERS, unconfirmed, limited=True, CONFIRM="no")
            case.pulled_beside = drain("pull_ours.py", base, 1, plan.count(PULLED), limited=True)
        return case


@contextlib.contextmanager
def _watched(workers: list[Server], store: Valkey) -> Iterator[list[tuple[int, int]]]:
    """While this is open, samples twice a second the number of events and the size of the largest worker."""
    samples: list[tuple[int, int]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            samples.append((recorded(store), max(resident_bytes(worker.pid) for worker in workers)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _judge_memory(samples: list[tuple[int, int]], plan: Plan, section: Section) -> None:
    warm, watched = plan.count(WARM), plan.count(WATCHED)
    judged = [size for events, size in samples if warm <= events <= watched]
    if not judged:
        section.notes.append("The workers were too quick for their memory to be watched.")
        return
    section.rows += [
        Row("memory of a worker", f"after {warm:,} callbacks", judged[0] / MIB, "MiB"),
        Row("memory of a worker, at most", f"up to {watched:,} callbacks", max(judged) / MIB, "MiB"),
    ]
    what = f"memory of a worker, at most up to {watched:,} callbacks / after {warm:,}"
    section.ratios.append(Ratio(what, max(judged) / judged[0], REQUIRED_FLAT, at_least=False))
