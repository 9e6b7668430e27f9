"""Group commit: what arrives together is appended together, and each caller learns what became of its own."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from app.group_commit import MOST_BYTES, MOST_CALLBACKS, GroupCommit
from workers.queues.inbox import Callback


class Appends:
    """What is appended, and how long that takes."""

    def __init__(self) -> None:
        self.groups: list[list[Callback]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.began = threading.Semaphore(0)
        self.error: BaseException | None = None
        self.at_once = self.most_at_once = 0

    def append(self, callbacks: Sequence[Callback]) -> str | None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.began.release()
        assert self.may_go_on.wait(10)
        self.groups.append(list(callbacks))
        self.at_once -= 1
        if self.error is not None:
            raise self.error
        return f"{len(self.groups)}-0"


class Callers:
    """Threads that each commit one callback."""

    def __init__(self, commit: Callable[[Callback], None]) -> None:
        self._commit = commit
        self.threads: list[threading.Thread] = []
        self.ends: list[BaseException | None] = []

    def call(self, *bodies: bytes) -> None:
        for body in bodies:
            thread = threading.Thread(target=self._run, args=(Callback("zego", body),), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _run(self, callback: Callback) -> None:
        try:
            self._commit(callback)
        except BaseException as error:
            self.ends.append(error)
        else:
            self.ends.append(None)

    def join(self) -> list[BaseException | None]:
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive(), "a caller waits for ever"
        return self.ends


class Committing:
    def __init__(self) -> None:
        self.appends = Appends()
        self.announced: list[str] = []
        self.commit = GroupCommit(self.appends.append, self.announced.append)
        self.callers = Callers(self.commit.commit)

    def gather(self, *bodies: bytes) -> None:
        """Calls that arrive while a first one is being appended."""
        self.appends.may_go_on.clear()
        self.callers.call(b"first")
        assert self.appends.began.acquire(timeout=10)
        self.callers.call(*bodies)
        # Those that wait for the one in front of them: leaders for their turn, followers for their leader.
        while sum(thread.is_alive() for thread in self.callers.threads) < len(bodies) + 1:
            time.sleep(0.001)
        time.sleep(0.1)


@pytest.fixture
def committing() -> Committing:
    return Committing()


def test_alone_a_callback_is_appended_at_once_and_waits_for_no_timer(committing: Committing) -> None:
    began = time.perf_counter()
    for number in range(1000):
        committing.commit.commit(Callback("zego", b"%d" % number))
    assert time.perf_counter() - began < 0.5, "half a millisecond each would be a timer"
    assert [len(group) for group in committing.appends.groups] == [1] * 1000
    assert committing.announced == [f"{number}-0" for number in range(1, 1001)]


def test_what_arrives_during_an_append_is_the_next_group(committing: Committing) -> None:
    committing.gather(*(b"%d" % number for number in range(20)))
    committing.appends.may_go_on.set()
    assert committing.callers.join() == [None] * 21
    first, second = committing.appends.groups
    assert [callback.body for callback in first] == [b"first"]
    assert {callback.body for callback in second} == {b"%d" % number for number in range(20)}
    assert sorted(committing.announced) == ["1-0", "2-0"]


def test_every_follower_gets_the_error_of_its_group_and_the_next_group_none(committing: Committing) -> None:
    committing.gather(*[b"x"] * 20)
    committing.appends.error = OSError("no store")
    committing.appends.may_go_on.set()
    ends = committing.callers.join()
    assert [str(end) for end in ends] == ["no store"] * 21
    assert committing.announced == [], "what is not durable is not announced"
    committing.appends.error = None
    committing.commit.commit(Callback("zego", b"y"))
    assert committing.announced == ["3-0"]


def test_no_group_has_more_callbacks_than_allowed(committing: Committing) -> None:
    committing.gather(*[b"x"] * (2 * MOST_CALLBACKS + 5))
    committing.appends.may_go_on.set()
    assert committing.callers.join() == [None] * (2 * MOST_CALLBACKS + 6)
    assert sorted(len(group) for group in committing.appends.groups) == [1, 5, MOST_CALLBACKS, MOST_CALLBACKS]
    assert committing.appends.most_at_once == 1


def test_no_group_has_more_bytes_than_allowed_and_one_body(committing: Committing) -> None:
    body = bytes(MOST_BYTES // 3)
    committing.gather(*[body] * 9)
    committing.appends.may_go_on.set()
    assert committing.callers.join() == [None] * 10
    assert sum(len(group) for group in committing.appends.groups) == 10
    for group in committing.appends.groups:
        assert sum(len(callback.body) for callback in group[:-1]) < MOST_BYTES


def test_what_went_to_the_spool_is_not_announced() -> None:
    announced: list[str] = []
    GroupCommit(lambda _: None, announced.append).commit(Callback("zego", b"x"))
    assert announced == []


def test_a_leader_that_is_ended_leaves_nobody_waiting_and_the_next_group_its_turn(committing: Committing) -> None:
    """gevent ends a greenlet by an exception that is no Exception; its followers must not wait for it for ever."""
    committing.gather(*[b"x"] * 5)
    committing.appends.error = SystemExit()
    committing.appends.may_go_on.set()
    assert all(end is not None for end in committing.callers.join())
    committing.appends.error = None
    committing.commit.commit(Callback("zego", b"y"))


def test_many_threads_for_a_while_lose_nothing_and_double_nothing(committing: Committing) -> None:
    def run(thread: int) -> None:
        for number in range(200):
            committing.commit.commit(Callback("zego", b"%d:%d" % (thread, number)))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    bodies = [callback.body for group in committing.appends.groups for callback in group]
    assert len(bodies) == len(set(bodies)) == 3200
    assert committing.appends.most_at_once == 1
    for thread in range(16):
        mine = [body for body in bodies if body.startswith(b"%d:" % thread)]
        assert mine == [b"%d:%d" % (thread, number) for number in range(200)]
