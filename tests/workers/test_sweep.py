"""The sweep finds what was lost on the way, soon, and publishes nothing else again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from schemas.settings import Settings, read_settings
from tests.running import Service, until
from workers.celery import QUEUE, make_celery
from workers.enqueue import Enqueue
from workers.queues.inbox import Callback, Inbox
from workers.tasks import sweep
from workers.tasks.sweep import Sweep


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Sweeping:
    """A sweep over a real inbox, with a clock and a broker in hand. One run is a second, as the clock process does it."""

    def __init__(self, store: redis.Redis) -> None:
        self.inbox = Inbox(store)
        self.store = store
        self.clock = Clock()
        self.queued = 0
        self.published: list[str] = []
        self.sweep = self.another()

    def another(self) -> Sweep:
        return Sweep(self.inbox, publish=self.published.extend, queued=lambda: self.queued, clock=self.clock)

    def arrive(self, count: int = 1) -> list[str]:
        return [self.inbox.append([Callback("zego", b"{}")]) for _ in range(count)]

    def seconds(self, count: int) -> list[str]:
        """What is published again in as many runs, a second apart. Queue time goes along."""
        before = len(self.published)
        for _ in range(count):
            self.clock.now += 1
            self.store.hincrby("ti:time", "now", 1000)
            self.sweep.run()
        return self.published[before:]


@pytest.fixture
def sweeping(store: redis.Redis) -> Sweeping:
    Inbox(store).sight()
    sweeping = Sweeping(store)
    sweeping.seconds(1)
    return sweeping


def test_an_entry_whose_message_was_lost_is_published_again_within_seconds(sweeping: Sweeping) -> None:
    (lost,) = sweeping.arrive()
    assert sweeping.seconds(5) == []
    assert sweeping.seconds(2) == [lost]


def test_an_entry_that_was_overtaken_is_published_again_once_though_others_are_queued(sweeping: Sweeping) -> None:
    sweeping.queued = 100
    lost, *others = sweeping.arrive(50)
    sweeping.inbox.finish(others[:1])
    assert sweeping.seconds(5) == []
    assert sweeping.seconds(60) == [lost]


def test_once_it_is_overtaken_again_it_is_published_again(sweeping: Sweeping) -> None:
    sweeping.queued = 100
    lost, other = sweeping.arrive(2)
    sweeping.inbox.finish([other])
    assert sweeping.seconds(7) == [lost]
    (newer,) = sweeping.arrive()
    sweeping.inbox.finish([newer])
    assert sweeping.seconds(7) == [lost]


def test_a_deep_backlog_behind_a_stopped_worker_is_not_published_again(sweeping: Sweeping) -> None:
    sweeping.arrive(2000)
    sweeping.queued = 32
    assert sweeping.seconds(120) == []


def test_a_deep_backlog_behind_a_slow_worker_is_not_published_again(sweeping: Sweeping) -> None:
    backlog = sweeping.arrive(500)
    sweeping.queued = 30
    for entry in backlog[:100]:
        sweeping.inbox.finish([entry])
        assert sweeping.seconds(1) == []


def test_what_lies_there_while_others_are_finished_is_not_lost_yet(sweeping: Sweeping) -> None:
    """The broker's queue is empty for a moment between two messages, again and again, and the last one is still at work."""
    entries = sweeping.arrive(40)
    for entry in entries[:-1]:
        sweeping.inbox.finish([entry])
        assert sweeping.seconds(1) == []


def test_what_was_published_again_and_lost_again_is_published_a_third_time(sweeping: Sweeping) -> None:
    (lost,) = sweeping.arrive()
    assert sweeping.seconds(7) == [lost]
    assert sweeping.seconds(7) == [lost]


def test_two_clocks_publish_a_lost_entry_once_between_them(sweeping: Sweeping) -> None:
    other = sweeping.another()
    lost = sweeping.arrive(30)
    for _ in range(8):
        other.run()
        sweeping.seconds(1)
    assert sorted(sweeping.published) == sorted(lost)


def test_all_of_a_deep_lost_backlog_is_found_a_part_a_second(
    sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_LOOKED_AT", 160)
    *lost, last = sweeping.arrive(1001)
    sweeping.queued = 1
    sweeping.inbox.finish([last])
    assert len(sweeping.seconds(6)) <= 2 * 160
    sweeping.seconds(8)
    assert sweeping.published == lost


def test_a_deep_backlog_whose_messages_all_vanished_comes_back_a_part_a_second_and_once(
    sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_LOOKED_AT", 160)
    lost = sweeping.arrive(1000)
    sweeping.seconds(6)
    sweeping.queued = 10  # what has been published again is in nobody's hands yet
    later = sweeping.arrive(10)
    sweeping.seconds(7)
    assert sweeping.published == lost
    assert sweeping.seconds(30) == []
    sweeping.queued = 0
    assert set(sweeping.seconds(10)) >= set(later)


def test_entries_that_never_end_do_not_hide_a_lost_one_behind_them(
    sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "MOST_LOOKED_AT", 160)
    *stuck, last = sweeping.arrive(501)
    sweeping.queued = 1
    sweeping.inbox.finish([last])
    sweeping.seconds(12)
    lost, last = sweeping.arrive(2)
    sweeping.inbox.finish([last])
    assert lost in sweeping.seconds(12)
    assert set(sweeping.published) == {*stuck, lost}


def test_a_broker_that_does_not_take_them_gets_them_later(sweeping: Sweeping) -> None:
    (lost,) = sweeping.arrive()

    def refuse(_: list[str]) -> None:
        raise ConnectionError("no broker")

    failing = Sweep(sweeping.inbox, publish=refuse, queued=lambda: 0, clock=sweeping.clock)
    failing.run()
    sweeping.clock.now += 6
    with pytest.raises(ConnectionError):
        failing.run()
    assert sweeping.seconds(7) == [lost]


def test_nothing_in_the_inbox_is_nothing_to_do(sweeping: Sweeping) -> None:
    assert sweeping.seconds(20) == []
    sweeping.inbox.finish(sweeping.arrive(3))
    assert sweeping.seconds(20) == []


def test_what_the_sweep_found_is_counted(sweeping: Sweeping) -> None:
    sweeping.arrive(3)
    sweeping.seconds(7)
    assert sweeping.store.hget("ti:counters", "swept") == b"3"


# With the real broker, clock and worker.


@pytest.fixture
def settings(redis_url: str) -> Settings:
    return read_settings({"REDIS_URL": redis_url, "API_TOKEN": "a", "PULL_CREDENTIALS": "a:b"})


@pytest.fixture
def processes(redis_url: str, directory: Path) -> Iterator[Service]:
    service = Service(redis_url, directory)
    yield service
    service.stop()


def test_the_broker_keeps_as_many_messages_while_sweeps_run_over_a_backlog(
    store: redis.Redis, settings: Settings, processes: Service
) -> None:
    """2,000 entries wait and no worker runs; the clock's own sweeps look at them for longer than their grace."""
    inbox, enqueue = Inbox(store), Enqueue(make_celery(settings))
    enqueue.publish([inbox.append([Callback("zego", b"{}")]) for _ in range(2000)])
    messages = store.llen(QUEUE)
    assert messages == enqueue.queued() > 30
    processes.start("clock")
    clock = Clock()
    in_hand = Sweep(inbox, publish=enqueue.publish, queued=enqueue.queued, clock=clock)
    for _ in range(20):
        clock.now += 3
        assert in_hand.run() == []
    until(lambda: store.hgetall("ti:processes"))
    assert store.llen(QUEUE) == messages
    assert not store.exists("ti:inbox:swept")


def test_one_that_was_overtaken_comes_to_a_worker_once_more_and_no_more(
    store: redis.Redis, settings: Settings, processes: Service
) -> None:
    inbox, enqueue = Inbox(store), Enqueue(make_celery(settings))
    clock = Clock()
    in_hand = Sweep(inbox, publish=enqueue.publish, queued=enqueue.queued, clock=clock)
    _, *others = [inbox.append([Callback("zego", b"%d" % number)]) for number in range(100)]
    enqueue.publish(others)
    messages = store.llen(QUEUE)
    # What a worker does with the newest, so that the first is overtaken.
    inbox.finish(others[-1:])
    published = []
    for _ in range(10):
        in_hand.run()
        clock.now += 3
        published.append(store.llen(QUEUE) - messages)
    assert published[-1] == 2, "the 99 that were overtaken are two messages"
    processes.start("worker")
    until(lambda: store.xlen("ti:inbox") == 0)
    assert not store.exists("ti:inbox:swept")
    assert store.zcard("ti:dead") == 99
    assert {int(store.hget(key, "times")) for key in store.scan_iter("ti:dead:zego:*")} == {1}
