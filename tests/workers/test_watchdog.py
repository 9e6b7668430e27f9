"""The watchdog ends a worker that lives but no longer works, and no other."""

import pytest

from workers import watchdog as module
from workers.watchdog import STALLED_AFTER, STUCK_AFTER, Watchdog


class Watched:
    """A worker seen by a watchdog that looks once a second, by a clock in hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waiting: int | Exception = 0
        self.store: Exception | None = None
        self.said: list[int] = []
        self.gave_up = False
        self.watchdog = Watchdog(self._queued, self._alive, self._give_up, clock=lambda: self.now)

    def _queued(self) -> int:
        if isinstance(self.waiting, Exception):
            raise self.waiting
        return self.waiting

    def _alive(self, finished: int) -> None:
        if self.store is not None:
            raise self.store
        self.said.append(finished)

    def _give_up(self) -> None:
        self.gave_up = True

    def seconds(self, count: float) -> bool:
        """Has it given up within as many seconds?"""
        for _ in range(int(count)):
            self.now += 1
            self.watchdog.look()
        return self.gave_up


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_worker_that_takes_nothing_although_messages_wait_gives_up(watched: Watched) -> None:
    watched.waiting = 3
    assert not watched.seconds(STALLED_AFTER)
    assert watched.seconds(1)


def test_it_gives_up_soon_enough_for_another_to_go_on_within_30_s() -> None:
    # A look, the supervisor's longest delay, and a start.
    assert STALLED_AFTER + module.EVERY + 10 + 3 < 30


def test_a_worker_with_nothing_to_do_is_left_alone(watched: Watched) -> None:
    assert not watched.seconds(10 * STALLED_AFTER)
    watched.waiting = 1
    assert not watched.seconds(STALLED_AFTER), "it has the whole time from when there is something to do"


def test_a_worker_that_works_is_left_alone_however_many_wait(watched: Watched) -> None:
    watched.waiting = 10_000
    for _ in range(20):
        watched.watchdog.begun()
        assert not watched.seconds(STALLED_AFTER - 1)
        watched.watchdog.finished()
        assert not watched.seconds(STALLED_AFTER - 1)


def test_a_long_message_is_no_stall(watched: Watched) -> None:
    watched.waiting = 5
    watched.watchdog.begun()
    assert not watched.seconds(10 * STALLED_AFTER)


@pytest.mark.parametrize("waiting", [0, 5, ConnectionError("no broker")])
def test_a_worker_stuck_at_one_message_gives_up(watched: Watched, waiting: int | Exception) -> None:
    watched.waiting = waiting
    watched.watchdog.begun()
    assert not watched.seconds(STUCK_AFTER)
    assert watched.seconds(1)


def test_one_that_failed_at_its_message_counts_as_working(watched: Watched) -> None:
    watched.waiting = 5
    assert not watched.seconds(STALLED_AFTER)
    watched.watchdog.begun()
    watched.watchdog.finished()
    assert not watched.seconds(STALLED_AFTER)
    assert watched.seconds(1)


@pytest.mark.parametrize("away", ["broker", "store"])
def test_a_broker_or_store_that_is_away_is_not_the_workers_fault(watched: Watched, away: str) -> None:
    watched.waiting = 5
    watched.seconds(STALLED_AFTER)
    if away == "broker":
        watched.waiting = ConnectionError("no broker")
    else:
        watched.store = ConnectionError("no store")
    assert not watched.seconds(10 * STALLED_AFTER)
    watched.waiting, watched.store = 5, None
    assert not watched.seconds(STALLED_AFTER), "once it is back it has the whole time again"
    assert watched.seconds(1)


def test_it_says_at_every_look_that_it_lives_and_how_far_it_is(watched: Watched) -> None:
    watched.seconds(2)
    watched.watchdog.begun()
    watched.watchdog.finished()
    watched.seconds(2)
    assert watched.said == [0, 0, 1, 1]
