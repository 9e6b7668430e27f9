"""Without its store the ingress still answers: 200 where there is a spool, else 503, and never late."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.consumer import Consumer
from tests.chaos.numbered import callback
from tests.chaos.processes import Installation
from tests.chaos.sender import Sender
from tests.chaos.store import KillableStore, wait_until_quiet
from tests.running import Answer, until

#: Seconds an answer may take, whatever the store does. The vendors wait 5.
SOON = 2.0
OUTAGES = [
    "down",
    "hung",
    "out of memory",
    "read-only",
    "without replicas",
    pytest.param("loading", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def directory_of_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("without-the-store")


@pytest.fixture(scope="module")
def _store(directory_of_module: Path) -> Iterator[KillableStore]:
    store = KillableStore(directory_of_module / "store")
    store.start()
    yield store
    store.stop()


@pytest.fixture(scope="module")
def _spooling(_store: KillableStore, directory_of_module: Path) -> Iterator[Installation]:
    installation = Installation(_store.url, directory_of_module, SPOOL_DIR=str(directory_of_module / "spool"))
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def _bare(_store: KillableStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(_store.url, tmp_path_factory.mktemp("bare"))
    yield installation
    installation.stop()


@pytest.fixture
def store(_store: KillableStore) -> KillableStore:
    _store.client.flushall()
    return _store


def all_of(installation: Installation) -> Installation:
    installation.revive()
    for name in ("web", "worker", "clock"):
        if name not in installation.processes:
            installation.launch(name, *(("hasty_sweep",) if name == "clock" else ()))
    installation.wait_for_web()
    return installation


@pytest.fixture
def spooling(store: KillableStore, _spooling: Installation) -> Installation:
    """With a spool; everything runs, and the store takes callbacks as far as it knows."""
    all_of(_spooling)
    until(lambda: _spooling.get("/readyz").json["parts"]["store"]["ok"])
    return _spooling


@pytest.fixture
def bare(store: KillableStore, _bare: Installation) -> Installation:
    """Without a spool; only the web processes run."""
    if "web" not in _bare.processes:
        _bare.launch("web")
    _bare.wait_for_web()
    until(lambda: _bare.post(*callback(0)).status == 200)
    return _bare


def timed(ask: Iterator[Answer]) -> list[Answer]:
    """The answers; fails if one of them was not there soon."""
    answers = []
    while True:
        began = time.monotonic()
        answer = next(ask, None)
        assert time.monotonic() - began < SOON
        if answer is None:
            return answers
        answers.append(answer)


@pytest.mark.parametrize("outage", OUTAGES)
def test_callbacks_are_spooled_and_drained_in_order(store: KillableStore, spooling: Installation, outage: str) -> None:
    numbers = range(1, 41)
    with store.outages[outage]():
        answers = timed(spooling.post(*callback(number)) for number in numbers)
        assert {answer.status for answer in answers} == {200}
        (ready,) = timed(spooling.get("/readyz") for _ in range(1))
        assert ready.status == 200, "it can still accept"
        parts = ready.json["parts"]
        assert not parts["store"]["ok"]
        assert parts["store"]["message"]
        assert parts["spool"]["bytes"] > 0
        (metrics,) = timed(spooling.get("/metrics") for _ in range(1))
        assert b'transcode_inbox_part_ok{part="store"} 0.0' in metrics.body
        (spooled,) = [line for line in metrics.body.splitlines() if line.startswith(b"transcode_inbox_spool_bytes")]
        assert float(spooled.split()[1]) > 0
    # A worker may end itself over a store that refuses to be written to; whoever runs it starts it again.
    until(lambda: (spooling.revive(), store.client.xlen("ti:events") >= len(numbers))[1], 30)
    wait_until_quiet(store.client, 30)
    consumer = Consumer(spooling, clients=1)
    consumer.drain(20)
    assert consumer.order == list(numbers)
    assert not any((Path(spooling.environment["SPOOL_DIR"]) / name).exists() for name in ("callbacks", "draining"))
    assert spooling.get("/readyz").json["parts"]["spool"]["bytes"] == 0


@pytest.mark.parametrize("drainer", ["clock", pytest.param("worker", marks=pytest.mark.slow)])
def test_whoever_is_alive_drains_when_the_web_process_is_gone(
    store: KillableStore, spooling: Installation, drainer: str
) -> None:
    with store.down():
        assert spooling.post(*callback(1)).status == 200
        for name in {"web", "worker", "clock"} - {drainer}:
            spooling.kill(name)
    until(
        lambda: store.client.xinfo_stream("ti:inbox")["entries-added"] == 1 if store.client.exists("ti:inbox") else 0,
        30,
    )
    all_of(spooling)
    consumer = Consumer(spooling, clients=1)
    until(lambda: store.client.xlen("ti:events"), 30)
    consumer.drain(20)
    assert consumer.order == [1]


@pytest.mark.parametrize("outage", OUTAGES)
def test_without_a_spool_it_is_503_with_retry_after(store: KillableStore, bare: Installation, outage: str) -> None:
    with store.outages[outage]():
        answers = timed(bare.post(*callback(number)) for number in range(1, 11))
        assert {answer.status for answer in answers} == {503}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
        assert answers[0].json["error"]["code"] == "not_durable"
        (ready,) = timed(bare.get("/readyz") for _ in range(1))
        assert ready.status == 503
        assert not ready.json["parts"]["store"]["ok"]
        assert bare.get("/healthz").status == 200
    began = time.monotonic()
    until(lambda: bare.post(*callback(100)).status == 200, 10)
    assert time.monotonic() - began < 5


@pytest.mark.slow
@pytest.mark.parametrize("outage", ["hung", "down"])
def test_many_at_once_wait_no_longer_than_one(store: KillableStore, spooling: Installation, outage: str) -> None:
    with Sender(spooling.port, connections=64) as sender:
        time.sleep(1)
        with store.outages[outage]():
            time.sleep(3)
        time.sleep(2)
    assert not sender.refused
    assert not sender.unknown
    assert sender.slowest < SOON
    until(lambda: spooling.get("/readyz").json["parts"]["spool"]["bytes"] == 0)
    until(lambda: (spooling.revive(), store.client.xlen("ti:inbox") == 0)[1], 60)
    consumer = Consumer(spooling)
    consumer.drain()
    assert consumer.pulled == dict.fromkeys(sender.acknowledged, 1)


@pytest.mark.slow
def test_a_process_that_starts_while_the_store_hangs_answers_all_the_same(
    store: KillableStore, spooling: Installation
) -> None:
    with store.hung():
        spooling.kill("web")
        spooling.launch("web")
        spooling.wait_for_web()
        answers = timed(spooling.post(*callback(number)) for number in range(1, 9))
        assert {answer.status for answer in answers} == {200}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_full_disk_is_a_503_and_costs_none_of_what_was_accepted(store: KillableStore, directory: Path) -> None:
    disk = directory / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    installation = Installation(store.url, directory, SPOOL_DIR=str(disk / "spool"), WEB_CONCURRENCY="1")
    try:
        installation.launch("web")
        installation.wait_for_web()
        with store.down():
            answers = timed(installation.post(*callback(number)) for number in range(1, 400))
            accepted = [number for number, answer in enumerate(answers, 1) if answer.status == 200]
            assert {answer.status for answer in answers} == {200, 503}
            assert len(accepted) > 50
            ready = installation.get("/readyz")
            assert ready.status == 503, "it can accept nothing now"
        installation.launch("worker")
        until(lambda: store.client.xlen("ti:events") == len(accepted), 30)
        consumer = Consumer(installation, clients=1)
        consumer.drain(20)
        assert consumer.pulled == dict.fromkeys(accepted, 1)
    finally:
        installation.stop()
        subprocess.run(["umount", str(disk)], check=False)
