"""Each window between two steps by itself: a process is killed exactly there, and nothing is lost, nothing comes twice."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest
from kombu import Connection, Queue

from tests.chaos.consumer import Consumer
from tests.chaos.numbered import RENDITIONS, callback
from tests.chaos.processes import Installation
from tests.chaos.store import KillableStore
from tests.running import until
from workers.queues.listing import Listing
from workers.queues.renditions import EXCHANGE

#: Callbacks posted in each test: one of each source.
NUMBERS = range(3)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A clock that sweeps after half a second, a web process, and no worker yet."""
    directory = tmp_path_factory.mktemp("windows")
    store = KillableStore(directory / "store")
    store.start(appendfsync="no")
    installation = Installation(store.url, directory, WEB_CONCURRENCY="1")
    try:
        installation.launch("web")
        installation.launch("clock", "hasty_sweep")
        installation.wait_for_web()
        yield installation
    finally:
        installation.stop()
        store.stop()


@pytest.fixture
def installation(running: Installation) -> Iterator[Installation]:
    """The same, emptied, and with a queue bound to the exchange so that renditions are handed on."""
    running.store.flushdb()
    with Connection(running.redis_url) as connection:
        Queue("heard", EXCHANGE, routing_key="#")(connection.default_channel).declare()
    yield running
    for name in running.processes.keys() - {"web", "clock"}:
        running.kill(name)


def post(installation: Installation) -> None:
    for number in NUMBERS:
        assert installation.post(*callback(number)).status == 200


def heard(installation: Installation) -> Counter[str]:
    """The ids of the renditions that were handed on, with how often."""
    return Counter(
        json.loads(message)["properties"]["message_id"] for message in installation.store.lrange("heard", 0, -1)
    )


def everything_once(installation: Installation) -> Counter[str]:
    """Waits until work has resumed, and checks what came of it; what was handed on."""
    until(lambda: installation.store.xlen("ti:inbox") == 0)
    consumer = Consumer(installation, clients=1)
    consumer.drain(20)
    assert consumer.pulled == dict.fromkeys(NUMBERS, 1)
    assert len(Listing(installation.store).renditions(limit=500).items) == sum(RENDITIONS)
    counters = installation.store.hgetall("ti:counters")
    assert sum(int(count) for name, count in counters.items() if name.startswith(b"recorded:")) == len(NUMBERS)
    assert int(counters[b"swept"]) > 0
    assert not [name for name in counters if name.startswith(b"duplicates:")], "doing it again is no duplicate"
    handed_on = heard(installation)
    assert len(handed_on) == sum(RENDITIONS)
    return handed_on


def test_appended_and_not_yet_published(installation: Installation) -> None:
    """The web process is killed after the 200 and before it has told the workers."""
    installation.kill("web")
    installation.launch("web", "killed_before_the_publish")
    installation.wait_for_web()
    for number in NUMBERS:
        # Each serving process dies of the callback it has just acknowledged; gunicorn starts another.
        until(lambda number=number: _acknowledged(installation, number))
    assert installation.store.xlen("ti:inbox") == len(NUMBERS)
    installation.kill("web")
    installation.launch("web")
    installation.launch("worker")
    installation.wait_for_web()
    assert set(everything_once(installation).values()) == {1}


def _acknowledged(installation: Installation, number: int) -> bool:
    try:
        return installation.post(*callback(number)).status == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    "fault",
    [
        "killed_with_the_message_popped",
        pytest.param("killed_before_it_starts", marks=pytest.mark.slow),
        pytest.param("killed_when_about_to_record", marks=pytest.mark.slow),
    ],
)
def test_popped_and_not_yet_recorded(installation: Installation, fault: str) -> None:
    installation.launch("worker", fault)
    post(installation)
    assert installation.end_of("worker") == -9
    assert installation.store.xlen("ti:events") == 0
    assert installation.store.xlen("ti:inbox") > 0
    installation.launch("worker-2")
    assert set(everything_once(installation).values()) == {1}


@pytest.mark.parametrize(
    "fault", ["killed_as_soon_as_it_is_recorded", pytest.param("killed_before_handing_on", marks=pytest.mark.slow)]
)
def test_recorded_and_not_yet_handed_on(installation: Installation, fault: str) -> None:
    installation.launch("worker", fault)
    post(installation)
    assert installation.end_of("worker") == -9
    assert installation.store.xlen("ti:events") > 0
    assert heard(installation) == {}
    installation.launch("worker-2")
    assert set(everything_once(installation).values()) == {1}


def test_recorded_and_handed_on_and_not_yet_deleted(installation: Installation) -> None:
    """What cannot be told apart from the window before it: so renditions may come twice here, with the same message id."""
    installation.launch("worker", "killed_before_finishing")
    post(installation)
    assert installation.end_of("worker") == -9
    events = installation.store.xlen("ti:events")
    assert events > 0
    assert installation.store.xlen("ti:inbox") > 0
    installation.launch("worker-2")
    assert set(everything_once(installation).values()) <= {1, 2}
