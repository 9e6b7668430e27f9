"""From a backlog of callbacks to events that can be pulled, against the obvious chain of Celery tasks.

Both get their backlog first and their workers afterwards; the clock runs from the first event recorded to
the last, so that starting a Python process is nobody's cost. Ours has recorded a callback when its event is
in the event stream, which is the same atomic step that makes it pullable; the chain when its eight
renditions are stored.
"""

import time
from collections.abc import Callable
from itertools import islice

from tests.bench import install, load
from tests.bench.contestants import our_web, our_workers, recorded, waiting
from tests.bench.plan import Plan
from tests.bench.report import Ratio, Row, Section, say
from tests.bench.servers import BenchError, Server, Valkey, output, running, valkey

#: Callbacks in the backlog; the chain moves about a twentieth as many.
OURS, CHAIN = 20_000, 1_000
RENDITIONS = 8
REQUIRED = 20

#: Worker processes of both.
WORKERS = 2

#: Seconds without a single new event after which a contestant is taken for stuck.
STUCK = 60


def end_to_end(plan: Plan) -> Section:
    """Events a second of both, and what a waiting callback and a kept event cost in memory."""
    ours: list[tuple[float, float, float]] = []
    chain: list[float] = []
    for number in range(plan.rounds):
        ours.append(_ours(plan.count(OURS)))
        chain.append(_chain(plan.count(CHAIN)))
        say(f"  round {number + 1}: transcode-inbox {ours[-1][0]:,.0f}/s, the chain {chain[-1]:,.0f}/s")
    rates = [rate for rate, _, _ in ours]
    setting = f"{WORKERS} worker processes"
    return Section(
        "Recorded, from POST to pullable, 8 renditions each",
        [
            Row("transcode-inbox", setting, max(rates), "events/s", rounds=rates),
            Row("a Celery task an event, a task a rendition", setting, max(chain), "events/s", rounds=chain),
            Row("memory of a waiting callback", "Valkey", min(waits for _, waits, _ in ours), "bytes"),
            Row("memory of a kept event", "Valkey", min(kept for _, _, kept in ours), "bytes"),
        ],
        [Ratio("ours / the obvious chain", max(rates) / max(chain), REQUIRED)],
        [
            f"Backlogs of {plan.count(OURS):,} and {plan.count(CHAIN):,} callbacks.",
            f"{plan.rounds} rounds in turn, the best of each.",
            "A kept event includes its deduplication mark, its renditions and its entry in one pull queue.",
        ],
    )


def drained(done: Callable[[], int], count: int, workers: list[Server]) -> float:
    """Events a second from the first that is done until `count` are; raises BenchError if they get stuck."""
    first = last = seen = 0
    began = moved = time.monotonic()
    while last < count:
        time.sleep(0.02)
        for worker in workers:
            worker.check()
        last, now = done(), time.monotonic()
        if last > seen:
            if not first:
                first, began = last, now
            seen, moved = last, now
        elif now - moved > STUCK:
            raise BenchError(f"The workers have done {last:,} of {count:,} and nothing for {STUCK} s.")
    return (last - first) / max(moved - began, 1e-3)


def _ours(count: int) -> tuple[float, float, float]:
    """Events a second, bytes of a waiting callback, bytes of a kept event."""
    with valkey() as store:
        with our_web("gunicorn").serving(store) as url:
            load.post(url, 1)
            before = store.used_memory()
            load.post(url, count)
            waits = (store.used_memory() - before) / count
        with our_workers(store, WORKERS) as workers:
            rate = drained(lambda: recorded(store), count + 1, workers)
            wait_until_empty(store)
        return rate, waits, (store.used_memory() - before) / count


def wait_until_empty(store: Valkey) -> None:
    """Returns once no callback waits any more; what is recorded is deleted from the inbox a moment later."""
    deadline = time.monotonic() + STUCK
    while waiting(store):
        if time.monotonic() > deadline:
            raise BenchError(f"{waiting(store):,} callbacks still wait, {STUCK} s after the last was recorded.")
        time.sleep(0.05)


def _chain(count: int) -> float:
    python = str(install.python_peers("flask") / "python")
    celery = str(install.python_peers("flask") / "celery")
    with valkey() as store:
        environment = {"REDIS_URL": store.url}
        backlog = b"\n".join(islice(load.bodies(), count))
        output([python, "naive_chain.py"], environment, install.PEERS, given=backlog)
        command = [
            celery,
            "--app",
            "naive_chain",
            "worker",
            "--pool",
            "prefork",
            "--concurrency",
            str(WORKERS),
        ]
        with running([*command, "--loglevel", "WARNING"], environment, directory=install.PEERS) as worker:
            stored = drained(lambda: int(store.client.hlen("renditions")), count * RENDITIONS, [worker])
        return stored / RENDITIONS
