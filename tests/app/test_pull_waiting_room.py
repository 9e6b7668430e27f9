"""The waiting room by itself, with a queue that does as it is told."""

import threading
import time

import pytest
import redis
from flask import Flask
from werkzeug.test import Client

from app.cli.pull_clients import legacy_signature, tc3_authorization
from app.front import Front
from app.pull import v2, v3
from app.pull.waiting_room import WaitingRoom
from schemas.settings import PullCredential
from tests.running import until
from workers.queues.pull import Pulled, PullQueues


class Queues(PullQueues):
    """Events by queue, and a look that takes its time as the store's does."""

    def __init__(self) -> None:
        self.events: dict[str, list[Pulled]] = {}
        self.fail: Exception | None = None
        self.looks: list[float] = []
        self.seen = 0

    def pull(self, queue: str, form: str, most: int = 16, *, by: str = "") -> tuple[list[Pulled], float | None]:
        if self.fail:
            raise self.fail
        events = self.events.get(queue, [])
        found, events[:] = events[:most], events[most:]
        return found, None

    def newest_event(self) -> bytes:
        self.seen = sum(map(len, self.events.values()))
        return b"0-0"

    def wait(self, newest: bytes, seconds: float) -> None:
        self.looks.append(seconds)
        end = time.monotonic() + seconds
        while time.monotonic() < end and sum(map(len, self.events.values())) == self.seen:
            time.sleep(0.005)


EVENT = Pulled(b"h", b"{}")


def in_thread(room: WaitingRoom, queue: str, answers: list[tuple[float, list[Pulled]]]) -> threading.Thread:
    def wait() -> None:
        start = time.monotonic()
        found = room.pull(queue, "v2")
        answers.append((time.monotonic() - start, found))

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_who_comes_for_a_queue_nobody_watched_need_not_wait_for_a_look_at_another() -> None:
    queues = Queues()
    room = WaitingRoom(queues, long_poll=3.0, most_waiting=99)
    answers: list[tuple[float, list[Pulled]]] = []
    first = [in_thread(room, queue, answers) for queue in ("a", "b")]
    until(lambda: queues.looks)
    queues.events["b"] = [EVENT]
    first[1].join()
    answers.clear()
    looks = len(queues.looks)
    until(lambda: len(queues.looks) > looks, every=0.001)
    second = in_thread(room, "b", answers)
    queues.events["b"] = [EVENT]
    second.join()
    assert answers[0][1] == [EVENT]
    assert answers[0][0] < 0.3
    queues.events["a"] = [EVENT]
    first[0].join()


@pytest.mark.parametrize("failure", [redis.ConnectionError("gone"), RuntimeError("a mistake of ours")])
def test_those_who_wait_are_served_again_once_the_store_is_back(failure: Exception) -> None:
    queues = Queues()
    room = WaitingRoom(queues, long_poll=5.0, most_waiting=99)
    answers: list[tuple[float, list[Pulled]]] = []
    thread = in_thread(room, "a", answers)
    until(lambda: queues.looks)
    queues.fail = failure
    queues.events["a"] = [EVENT]  # ends the look, and the pull after it fails
    time.sleep(0.2)
    queues.fail = None
    thread.join()
    assert answers[0][1] == [EVENT]


def ask(room: WaitingRoom, queues: Queues) -> tuple[str, str]:
    """The code, and all of the answer, to a client of either API that pulls from `room`."""
    pulling = (room, queues, [PullCredential("id", "key")])
    apis = {v2.PATH: v2.PullApi2(*pulling).answer, v3.PATH: v3.PullApi3(*pulling).answer}
    client = Client(Front(Flask("nothing else"), below={}, at=apis))
    now = int(time.time())
    headers = {
        "X-TC-Action": "PullEvents",
        "X-TC-Version": "2018-07-17",
        "X-TC-Timestamp": str(now),
        "Authorization": tc3_authorization(
            "id", "key", service="vod", host="localhost", content_type="application/json", payload=b"{}", timestamp=now
        ),
    }
    new = client.post("/", data=b"{}", content_type="application/json", headers=headers)
    query = {"Action": "PullEvent", "SecretId": "id", "Timestamp": str(now), "SignatureMethod": "HmacSHA256"}
    query["Signature"] = legacy_signature("key", "GET", "localhost", v2.PATH, query)
    legacy = client.get(v2.PATH, query_string=query)
    assert new.status_code == legacy.status_code == 200
    assert new.json is not None
    assert legacy.json is not None
    return f"{new.json['Response']['Error']['Code']} {legacy.json['code']}", new.text + legacy.text


def test_one_too_many_is_told_to_come_again_in_each_api_s_own_code() -> None:
    queues = Queues()
    room = WaitingRoom(queues, long_poll=1.0, most_waiting=1)
    thread = in_thread(room, "another", [])
    until(lambda: queues.looks)
    assert ask(room, queues)[0] == "RequestLimitExceeded 4400"
    thread.join()
    queues.events["0"] = [EVENT]
    assert room.pull("0", "v2") == [EVENT]


@pytest.mark.parametrize("failure", [redis.ConnectionError("gone away"), KeyError("gone away")])
def test_what_goes_wrong_here_is_an_internal_error_with_no_word_of_what(failure: Exception) -> None:
    queues = Queues()
    queues.fail = failure
    codes, answers = ask(WaitingRoom(queues, most_waiting=99), queues)
    assert codes == "InternalError 5000"
    assert "gone" not in answers
