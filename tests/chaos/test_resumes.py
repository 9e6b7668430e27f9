"""Whatever is cut, restarted or stopped: work goes on by itself, within 30 s, and nothing is lost, nothing twice."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.black_hole import BlackHole
from tests.chaos.consumer import Consumer
from tests.chaos.numbered import callback
from tests.chaos.processes import Installation
from tests.chaos.report import tell
from tests.chaos.sender import Sender
from tests.chaos.store import KillableStore
from tests.running import until
from workers.watchdog import STALLED

pytestmark = pytest.mark.slow
#: Seconds within which work has to go on.
RESUMES = 30


@pytest.fixture
def store(directory: Path) -> Iterator[KillableStore]:
    store = KillableStore(directory / "store")
    store.start()
    yield store
    store.stop()


@pytest.fixture
def installation(store: KillableStore, directory: Path) -> Iterator[Installation]:
    (directory / "logs").mkdir()
    installation = Installation(store.url, directory / "logs", SPOOL_DIR=str(directory / "spool"))
    try:
        installation.launch("web")
        installation.launch("clock")
        installation.wait_for_web()
        yield installation
    finally:
        installation.stop()


def recorded(installation: Installation) -> int:
    return int(installation.store.xlen("ti:events"))


def resumed(installation: Installation, number: int) -> float:
    """Posts a callback now and returns the seconds until any is recorded.

    A worker that gave up meanwhile is started again, as whoever runs the Procfile does. (One whose connection was cut in
    mid-task often goes deaf: celery #8030. Then it takes the watchdog's 15 s.)
    """
    began, before = time.monotonic(), recorded(installation)
    assert installation.post(*callback(number)).status == 200
    until(lambda: (installation.revive(), recorded(installation) > before)[1], RESUMES)
    return time.monotonic() - began


def all_once(installation: Installation, acknowledged: list[int]) -> None:
    until(lambda: (installation.revive(), installation.store.xlen("ti:inbox") == 0)[1], 300)
    consumer = Consumer(installation)
    consumer.drain()
    assert set(acknowledged) <= consumer.pulled.keys()
    assert set(consumer.pulled.values()) == {1}


@pytest.mark.parametrize("how", ["all at once", "one by one"])
def test_after_every_connection_was_cut(store: KillableStore, installation: Installation, how: str) -> None:
    installation.launch("worker")
    resumed(installation, 10**6)
    worst = 0.0
    with Sender(installation.port) as sender:
        for cut in range(5):
            time.sleep(1)
            if how == "all at once":
                store.cut_connections()
            else:
                mine = store.client.client_id()
                for client in store.client.client_list():
                    if int(client["id"]) != mine:
                        store.client.client_kill_filter(_id=client["id"])
            worst = max(worst, resumed(installation, 10**6 + 1 + cut))
    assert not sender.refused
    assert not sender.unknown
    all_once(installation, sender.acknowledged)
    tell(
        f"connections cut, {how}",
        {"times": 5, "acknowledged": len(sender.acknowledged), "resumed, seconds": round(worst, 1)},
    )


def test_after_the_store_was_restarted(store: KillableStore, installation: Installation) -> None:
    installation.launch("worker")
    worst = 0.0
    with Sender(installation.port) as sender:
        for number in range(3):
            time.sleep(1)
            store.kill()
            time.sleep(1)
            store.start()
            worst = max(worst, resumed(installation, 10**6 + number))
    assert not sender.refused
    all_once(installation, sender.acknowledged)
    tell("store restarted", {"times": 3, "acknowledged": len(sender.acknowledged), "resumed, seconds": round(worst, 1)})


def test_eight_deploys_in_mid_load(store: KillableStore, installation: Installation) -> None:
    """Workers are stopped by SIGTERM, as a deploy does, and others started."""
    names = ["worker", "worker-2"]
    for name in names:
        installation.launch(name)
    worst = 0.0
    with Sender(installation.port) as sender:
        for deploy in range(8):
            time.sleep(1.5)
            for name in names:
                installation.processes[name].terminate()
            for name in names:
                assert installation.end_of(name) == 0
                installation.launch(name)
            worst = max(worst, resumed(installation, 10**6 + deploy))
    assert not sender.refused
    assert not sender.unknown
    all_once(installation, sender.acknowledged)
    swept = int(store.client.hget("ti:counters", "swept") or 0)
    tell(
        "deploys",
        {
            "times": 8,
            "acknowledged": len(sender.acknowledged),
            "entries swept": swept,
            "resumed, seconds": round(worst, 1),
        },
    )


def test_after_a_worker_stopped_consuming_and_lived(installation: Installation) -> None:
    """Its consumer never asks the broker again. Its watchdog, with its real limit, ends it, and its successor does the work."""
    installation.launch("worker", "deaf")
    resumed(installation, 1)
    began = time.monotonic()
    assert installation.post(*callback(2)).status == 200
    assert installation.end_of("worker", RESUMES) == STALLED
    installation.launch("worker")
    until(lambda: recorded(installation) == 2, RESUMES)
    seconds = time.monotonic() - began
    assert seconds < RESUMES
    assert int(installation.store.hget("ti:counters", "stalled_workers")) == 1
    assert b"transcode_inbox_stalled_workers_total 1.0" in installation.get("/metrics").body
    all_once(installation, [1, 2])
    tell("a worker that no longer consumes", {"recorded by its successor, seconds": round(seconds, 1)})


def test_after_a_workers_connections_went_dead_without_a_word(store: KillableStore, installation: Installation) -> None:
    """What a firewall that forgets does: the broker's connections of one worker stay open, and nothing comes through."""
    with BlackHole(store.port) as proxy:
        installation.environment["BROKER_URL"] = f"redis://127.0.0.1:{proxy.port}/0"
        installation.launch("worker")
        del installation.environment["BROKER_URL"]
        resumed(installation, 1)
        time.sleep(2)
        proxy.swallow()
        began = time.monotonic()
        assert installation.post(*callback(2)).status == 200
        until(lambda: (installation.revive(), recorded(installation) == 2)[1], RESUMES + 10)
        seconds = time.monotonic() - began
        tell("a worker behind a dead connection", {"resumed, seconds": round(seconds, 1)})
        assert seconds < RESUMES
        all_once(installation, [1, 2])
