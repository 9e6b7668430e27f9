"""Nothing lost, nothing twice, while processes are killed at random moments: first one at a time, then the store, then all."""

import contextlib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.consumer import Consumer
from tests.chaos.numbered import RENDITIONS
from tests.chaos.processes import Installation, kill_pid
from tests.chaos.report import tell
from tests.chaos.sender import Sender
from tests.chaos.store import KillableStore, wait_until_quiet
from tests.chaos.team import Team
from workers.queues.kept import read_kept
from workers.queues.listing import Listing

NAMES = ("web", "worker", "worker-2", "clock")
#: Set it to repeat a run.
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)


class Chaos:
    """Kills the processes of an installation, and starts each again."""

    def __init__(self, store: KillableStore, installation: Installation, seed: int) -> None:
        self._store = store
        self._installation = installation
        self.random = random.Random(seed)
        self.kills: Counter[str] = Counter()

    def kill_one(self) -> None:
        """One process with all it started; or, as often, one of the processes that a web process serves with."""
        victim = self.random.choice((*NAMES, "one of web's own"))
        self.kills[victim.partition("-")[0]] += 1
        if victim in NAMES:
            self._installation.kill(victim)
            self._pause(0.3)
            self._installation.launch(victim)
        elif children := self._installation.children("web"):
            kill_pid(self.random.choice(children))

    def kill_store(self) -> None:
        self.kills["store"] += 1
        self._store.kill()
        self._pause(2)
        self._store.start()

    def kill_everything(self) -> None:
        self.kills["everything"] += 1
        names: list[str] = list(NAMES)
        self.random.shuffle(names)
        self._store.kill()
        for name in names:
            self._installation.kill(name)
        self._store.start()
        for name in names:
            self._installation.launch(name)
        self._installation.wait_for_web()

    def cut_connections(self) -> None:
        self.kills["every connection cut"] += 1
        self._store.cut_connections()

    def go_on(self, action: Callable[[], None], times: int, longest: float) -> None:
        """Does it `times` times, with a random pause of up to `longest` seconds before each."""
        for _ in range(times):
            self._pause(longest)
            action()

    def _pause(self, longest: float) -> None:
        time.sleep(self.random.uniform(0, longest))


@contextlib.contextmanager
def installed(
    directory: Path, *, hasty: bool = False, **environment: str
) -> Iterator[tuple[KillableStore, Installation]]:
    store = KillableStore(directory / "store")
    store.start()
    (directory / "logs").mkdir()
    installation = Installation(store.url, directory / "logs", **environment)
    if hasty:
        workers = dict.fromkeys(("worker", "worker-2"), ("hasty_deliveries",))
        installation.always = {"clock": ("hasty_sweep",), **workers}
    try:
        for name in NAMES:
            installation.launch(name)
        installation.wait_for_web()
        yield store, installation
    finally:
        installation.stop()
        store.stop()


def survive(
    directory: Path,
    *,
    processes: int,
    stores: int,
    everything: int,
    longest: float,
    hasty: bool = False,
    **environment: str,
) -> dict[str, Any]:
    """The whole story; its counts. Fails if anything acknowledged is lost, or anything comes twice."""
    began = time.monotonic()
    with installed(directory, hasty=hasty, **environment) as (store, installation), Team(store.client) as team:
        chaos = Chaos(store, installation, SEED)
        with Sender(installation.port) as sender:
            chaos.go_on(chaos.kill_one, processes, longest)
            chaos.go_on(chaos.cut_connections, 1 + stores // 3, longest)
            chaos.go_on(chaos.kill_store, stores, longest)
            chaos.go_on(chaos.kill_everything, everything, longest)
            time.sleep(0.5)
        waiting = store.client.xlen("ti:inbox")
        settle = wait_until_quiet(store.client, 300)
        consumer = Consumer(installation)
        consumer.drain()
        pulled = consumer.pulled
        team.wait_for_the_rest(300)
        pushed = team.pushed()
        counters = {name.decode(): int(count) for name, count in store.client.hgetall("ti:counters").items()}
        counts = {
            "seed": SEED,
            "kills": dict(chaos.kills),
            "posted": sender.posted,
            "acknowledged": len(sender.acknowledged),
            "refused": len(sender.refused),
            "cut off before an answer": len(sender.unknown),
            "pulled": len(pulled),
            "acknowledged and lost": len(set(sender.acknowledged) - pulled.keys()),
            "pulled twice": sum(count - 1 for count in pulled.values()),
            "pulled and never posted": len(pulled.keys() - {*sender.acknowledged, *sender.unknown, *sender.refused}),
            "pushed": len(pushed),
            "pulled and never pushed": len({number for number in pulled if team.wants(number)} - pushed.keys()),
            "pushed again": sum(count - 1 for count in pushed.values()),
            "pushed and never posted": len(pushed.keys() - pulled.keys()),
            "events that came twice": _came_twice(store),
            "entries swept": counters.get("swept", 0),
            "entries waiting when sending ended": waiting,
            "seconds until all was recorded": round(settle, 1),
            "slowest answer, seconds": round(sender.slowest, 2),
            "seconds in all": round(time.monotonic() - began, 1),
        }
        server = environment.get("WEB_SERVER", "gunicorn")
        tell(f"{processes} kills on {server}, {'with' if 'SPOOL_DIR' in environment else 'without'} a spool", counts)
        assert sender.acknowledged
        assert not sender.other, "an answer that is neither 200 nor 503"
        assert counts["acknowledged and lost"] == 0
        assert counts["pulled twice"] == 0
        assert counts["pulled and never posted"] == 0
        # Whoever is pushed to can tell what comes again by its id, and gets nothing too little.
        assert counts["pulled and never pushed"] == 0
        assert counts["pushed and never posted"] == 0
        # The ledger agrees: each once, with its renditions, and nothing is left anywhere.
        assert sum(n for name, n in counters.items() if name.startswith("recorded:")) == len(pulled)
        assert store.client.xlen("ti:events") == len(pulled)
        assert _renditions(store) == sum(RENDITIONS[number % 3] for number in pulled)
        assert not store.client.exists("ti:inbox:swept", "ti:pull:0:held", "ti:dead")
        return counts


def _renditions(store: KillableStore) -> int:
    """How many renditions the lists show, a page at a time."""
    count, cursor = 0, None
    while True:
        page = Listing(store.client).renditions(limit=500, cursor=cursor)
        count, cursor = count + len(page.items), page.next
        if cursor is None:
            return count


def _came_twice(store: KillableStore) -> int:
    """How many events were in the inbox more than once: appended, but the answer was lost, and so kept elsewhere too."""
    with store.client.pipeline(transaction=False) as pipe:
        for event_id in [fields[b"id"].decode() for _, fields in store.client.xrange("ti:events")]:
            pipe.get(f"ti:event:{event_id}")
        return sum(any(note[0] == "again" for note in read_kept(value).notes) for value in pipe.execute())


def test_what_was_acknowledged_is_pulled_exactly_once_whatever_was_killed(directory: Path) -> None:
    survive(
        directory,
        processes=6,
        stores=1,
        everything=1,
        longest=0.5,
        hasty=True,
        SPOOL_DIR=str(directory / "spool"),
        LOG_LEVEL="WARNING",
    )


@pytest.mark.slow
@pytest.mark.parametrize("server", ["gunicorn", "granian"])
def test_fifty_kills_then_the_store_then_everything(directory: Path, server: str) -> None:
    spool = {"SPOOL_DIR": str(directory / "spool")} if server == "gunicorn" else {}
    counts = survive(directory, processes=50, stores=6, everything=4, longest=2.0, WEB_SERVER=server, **spool)
    assert sum(counts["kills"].values()) >= 60
