"""A worker that is told to stop ends what it has begun, gives back the rest, and nothing is lost or done twice."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.samples import sample
from tests.running import Service, a_store, until
from workers.queues.inbox import Callback, Inbox

CALLBACKS, A_GROUP = 6000, 40


@pytest.fixture
def backlog(directory: Path) -> Iterator[Service]:
    """Clock, and an inbox with a backlog whose messages are lost: the clock publishes them."""
    with a_store(directory / "store") as server:
        service = Service(f"redis://127.0.0.1:{server.port}/0", directory)
        inbox = Inbox(service.store)
        for _ in range(CALLBACKS // A_GROUP):
            inbox.append([Callback("zego", sample("zego")) for _ in range(A_GROUP)])
        service.start("clock")
        yield service
        service.stop()


def counted(service: Service, name: str) -> int:
    return int(service.store.hget("ti:counters", name) or 0)


def test_a_worker_told_to_stop_ends_soon_and_the_next_one_goes_on_where_it_was(backlog: Service) -> None:
    backlog.start("worker")
    until(lambda: counted(backlog, "recorded:zego") > 100, seconds=40, every=0.01)
    worker = backlog.processes.pop("worker")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(20) == 0
    left = int(backlog.store.xlen("ti:inbox"))
    recorded = counted(backlog, "recorded:zego")
    assert recorded == CALLBACKS - left * A_GROUP, "whole groups, of which none is half done"
    assert left > 0, "it did not wait until everything was done"

    backlog.start("worker-2")
    until(lambda: backlog.store.xlen("ti:inbox") == 0, seconds=60)
    assert counted(backlog, "recorded:zego") == CALLBACKS
    assert counted(backlog, "duplicates:zego") == 0
