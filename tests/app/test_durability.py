"""Durability: into the inbox, else into the spool, else refused; and back to the inbox when the store is."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import redis

from app import durability as module
from app.durability import Durability, StoreDown
from tests.chaos.store import KillableStore
from tests.running import until
from workers.queues.inbox import Callback
from workers.queues.spool import Spool, SpoolFull
from workers.store import connect

TIMEOUT = 0.3


@pytest.fixture(scope="module")
def _own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KillableStore]:
    own = KillableStore(tmp_path_factory.mktemp("durability"))
    own.start()
    yield own
    own.stop()


@pytest.fixture
def own(_own: KillableStore) -> KillableStore:
    _own.client.flushall()
    return _own


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROBE_EVERY", 0.05)


@pytest.fixture
def spool(directory: Path) -> Spool:
    return Spool(directory / "spool", 10_000)


def durability(own: KillableStore, spool: Spool | None, announced: list[str] | None = None) -> Durability:
    announce = [] if announced is None else announced
    return Durability(connect(own.url, timeout=TIMEOUT, connections=2), spool, announce.append)


def bodies(own: KillableStore) -> list[bytes]:
    return [body for _, fields in own.client.xrange("ti:inbox") for body in fields.values()]


def callbacks(*names: bytes) -> Sequence[Callback]:
    return [Callback("zego", name) for name in names]


def test_a_group_becomes_one_entry_of_the_inbox(own: KillableStore, spool: Spool) -> None:
    entry = durability(own, spool).append(callbacks(b"1", b"2", b"1"))
    ((found, fields),) = own.client.xrange("ti:inbox")
    assert found.decode() == entry
    assert list(fields.values()) == [b"1", b"2", b"1"]
    assert spool.size() == 0


def test_a_connection_from_before_a_restart_costs_no_callback_its_place(own: KillableStore) -> None:
    durable = durability(own, None)
    durable.append(callbacks(b"1"))
    own.kill()
    own.start()
    assert durable.append(callbacks(b"2")) is not None
    own.cut_connections()
    assert durable.append(callbacks(b"3")) is not None
    assert bodies(own) == [b"1", b"2", b"3"]
    assert not durable.is_down


def test_only_the_first_waits_for_a_store_that_hangs(own: KillableStore, spool: Spool) -> None:
    durable = durability(own, spool)
    durable.append(callbacks(b"1"))
    with own.hung():
        began = time.monotonic()
        assert durable.append(callbacks(b"2")) is None
        assert time.monotonic() - began < 2 * TIMEOUT + 0.2
        began = time.monotonic()
        for _ in range(20):
            assert durable.append(callbacks(b"3")) is None
        assert time.monotonic() - began < TIMEOUT
        assert durable.is_down
    until(lambda: not durable.is_down and spool.size() == 0)
    # The one that hung may have been carried out after all: then it is there twice, and will be recorded once.
    assert [body for body in bodies(own) if body != b"2"] == [b"1"] + [b"3"] * 20
    assert 1 <= bodies(own).count(b"2") <= 2


def test_what_was_spooled_is_drained_in_order_and_announced(own: KillableStore, spool: Spool) -> None:
    announced: list[str] = []
    durable = durability(own, spool, announced)
    names = [b"%d" % number for number in range(300)]
    with own.down():
        for name in names:
            durable.append(callbacks(name))
    until(lambda: spool.size() == 0)
    assert bodies(own) == names
    assert announced == [entry.decode() for entry, _ in own.client.xrange("ti:inbox")]
    assert durable.append(callbacks(b"later")) is not None


def test_what_an_earlier_process_left_in_the_spool_is_drained_at_the_start(own: KillableStore, spool: Spool) -> None:
    spool.append(callbacks(b"left"))
    durability(own, spool).watch()
    until(lambda: bodies(own) == [b"left"])
    until(lambda: spool.size() == 0)


@pytest.mark.parametrize("outage", ["out of memory", "read-only", "without replicas"])
def test_a_store_that_answers_but_takes_nothing_counts_as_down_until_it_does(
    own: KillableStore, spool: Spool, outage: str
) -> None:
    durable = durability(own, spool)
    with own.outages[outage]():
        assert durable.append(callbacks(b"1")) is None
        time.sleep(0.3)
        assert durable.is_down
        with pytest.raises(redis.RedisError):
            durable.probe()
    until(lambda: not durable.is_down)
    until(lambda: bodies(own) == [b"1"])


def test_without_a_spool_each_callback_learns_at_once_that_it_is_not_durable(own: KillableStore) -> None:
    durable = durability(own, None)
    with own.down():
        with pytest.raises(redis.RedisError):
            durable.append(callbacks(b"1"))
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(StoreDown, match="SPOOL_DIR"):
                durable.append(callbacks(b"2"))
        assert time.monotonic() - began < TIMEOUT
    until(lambda: not durable.is_down)
    assert durable.append(callbacks(b"3")) is not None
    assert bodies(own) == [b"3"]


def test_a_full_spool_is_an_error_and_never_a_yes(own: KillableStore, spool: Spool) -> None:
    durable = durability(own, spool)
    with own.down():
        durable.append(callbacks(b"x" * 9000))
        with pytest.raises(SpoolFull):
            durable.append(callbacks(b"y" * 9000))
    until(lambda: bodies(own) == [b"x" * 9000])


def test_one_prober_serves_however_many_notice(own: KillableStore) -> None:
    durable = durability(own, None)
    before = threading.active_count()
    for _ in range(10):
        durable.watch()
    assert threading.active_count() == before + 1
