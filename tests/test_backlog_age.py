"""Workers that stop: the age of what waits rises where an operator looks, and falls when they work again."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.samples import sample
from tests.app.console.operator import Operator
from tests.pull_client import PullClient
from tests.queue_state import recorded
from tests.running import Service, a_store, until
from tests.scrape import Scrape


@pytest.fixture
def installation(directory: Path) -> Iterator[Service]:
    """Web and clock; workers are the test's."""
    with a_store(directory / "store") as server:
        service = Service(f"redis://127.0.0.1:{server.port}/0", directory, WEB_CONCURRENCY="1")
        service.start("web", "clock")
        yield service
        service.stop()


def shown(service: Service, stage: str) -> int | None:
    """The age that the console's first page shows, in whole seconds; None where it shows that nothing waits."""
    operator = Operator(service, Accept_Language="en")
    operator.log_in()
    stages = re.findall(r'class="oldest">([^<]*)<', operator.page("/console"))
    seconds = re.search(r"(\d+)(?:\.\d+)? ?s", stages[("inbox", "pull").index(stage)])
    return int(seconds[1]) if seconds else None


def age(service: Service, stage: str = "inbox") -> float:
    """The same to everybody who looks: scrapes, `status`, the console, and the samples that it draws."""
    told = Scrape(service)("oldest_seconds", stage=stage)
    part = service.get("/readyz").json["parts"]["inbox" if stage == "inbox" else "pull_queues"]
    ready = part["oldest_seconds"] if stage == "inbox" else part["queues"]["0"]["oldest_seconds"]
    assert abs(ready - told) < 1
    if told > 1:
        console = shown(service, stage)
        assert console is not None
        assert abs(console - told) < 3
    if newest := service.store.lindex("ti:samples", 0):
        assert abs(json.loads(newest)["stages"][stage]["oldest_seconds"] - told) < 3
    return told


def rises(service: Service, stage: str = "inbox") -> None:
    first = age(service, stage)
    until(lambda: age(service, stage) > first + 1.5, every=0.3)


def falls(service: Service, stage: str = "inbox") -> None:
    until(lambda: Scrape(service)("oldest_seconds", stage=stage) == 0, every=0.1)
    assert shown(service, stage) is None
    until(lambda: json.loads(service.store.lindex("ti:samples", 0))["stages"][stage]["oldest_seconds"] == 0)


def test_while_workers_are_stopped_the_backlog_grows_older_and_then_recovers(installation: Service) -> None:
    for _ in range(3):
        installation.post("zego", sample("zego"))
    rises(installation)
    assert Scrape(installation)("inbox_entries") == 3
    until(lambda: not installation.get("/readyz").json["parts"]["processes"]["ok"])

    installation.start("worker")
    falls(installation)
    recorded(installation, 3)

    os.killpg(installation.processes["worker"].pid, signal.SIGSTOP)
    installation.post("zego", sample("zego"))
    rises(installation)
    os.killpg(installation.processes["worker"].pid, signal.SIGCONT)
    falls(installation)

    # What nobody pulls grows older at the next stage, until somebody does.
    rises(installation, "pull")
    PullClient(installation).drain()
    falls(installation, "pull")
