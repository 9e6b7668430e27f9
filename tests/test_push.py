"""Renditions pushed on: from a callback's POST to a team's receiver, through real processes, whatever happens on the way."""

import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.samples import sample
from tests.chaos.processes import Installation
from tests.receiver import Receiver, Request
from tests.running import API_TOKEN, Service, a_store, until


def ask(service: Service, method: str, path: str, body: Any = None) -> Any:
    """A request to the API, which has to succeed; its answer."""
    text = None if body is None else json.dumps(body).encode()
    answer = service.request(method, f"/api/{path}", text, {"Authorization": f"Bearer {API_TOKEN}"})
    assert answer.status < 300, answer.body
    return answer.json if answer.body else None


def subscribe(service: Service, url: str, each: str = "rendition", **asked: Any) -> Any:
    return ask(service, "POST", "subscriptions", {"url": url, "each": each, "filter": asked})


def health(service: Service, subscription: Any) -> Any:
    return ask(service, "GET", f"subscriptions/{subscription['id']}")["health"]


def is_quiet(service: Service, subscription: Any) -> bool:
    found = health(service, subscription)
    return found["pending"] == found["out"] == 0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def installation(directory: Path) -> Iterator[Installation]:
    """Processes of one's own, in which deliveries are retried ten times as fast as in earnest."""
    (directory / "store").mkdir()
    (directory / "logs").mkdir()
    with a_store(directory / "store") as store:
        running = Installation(f"redis://127.0.0.1:{store.port}/0", directory / "logs", WEB_CONCURRENCY="1")
        running.always = {
            "worker": ("hasty_deliveries",),
            "worker-2": ("hasty_deliveries",),
            "clock": ("hasty_deliveries", "hasty_sweep"),
        }
        for name in ("web", "worker", "clock"):
            running.launch(name)
        running.wait_for_web()
        yield running
        running.stop()


def test_at_least_720_lines_of_the_documented_callback_are_exactly_two_requests_that_verify(
    service: Service, receiver: Receiver
) -> None:
    subscription = subscribe(service, receiver.url, source="cts-video", min_height=720)
    assert service.post("cts-video", sample("cts-video", fresh=False)).status == 200
    until(lambda: len(receiver.requests) >= 2)
    (event,) = service.api("events").json["events"]
    about = {key: value for key, value in event.items() if key not in ("raw", "renditions")}
    found = {request.id: request.verified(subscription["secret"]) for request in receiver.requests}
    expected = [rendition for rendition in event["renditions"] if rendition["name"] in ("f30", "f40")]
    assert sorted(found.values(), key=lambda one: one["name"]) == [{**one, "event": about} for one in expected]
    time.sleep(1)
    assert len(receiver.requests) == 2
    assert health(service, subscription)["delivered"] == 2

    history = service.api(f"events/{event['id']}").json["history"]
    pushed = [step for step in history if step["what"] == "pushed"]
    assert {step["rendition"] for step in pushed} == {one["id"] for one in expected}
    assert {(step["status"], step["attempt"], step["answer"]) for step in pushed} == {(200, 1, "ok")}
    assert {step["url"] for step in pushed} == {receiver.url}


def test_an_event_is_one_request_with_those_renditions_that_match(service: Service, receiver: Receiver) -> None:
    subscription = subscribe(service, receiver.url, "event", kind="video", name="f[12]0")
    service.post("cts-video", sample("cts-video"))
    service.post("zego", sample("zego"))
    until(lambda: receiver.requests)
    time.sleep(0.5)
    (request,) = receiver.requests
    event = request.verified(subscription["secret"])
    assert [rendition["name"] for rendition in event["renditions"]] == ["f10", "f20"]
    assert event["raw"] == service.api(f"events/{event['id']}").json["raw"]


def test_a_sample_is_sent_by_a_worker_and_its_answer_is_shown(service: Service, receiver: Receiver) -> None:
    receiver.answer = lambda _: (202, {}, "收到".encode())
    subscription = subscribe(service, receiver.url, source="zego")
    outcome = ask(service, "POST", f"subscriptions/{subscription['id']}/test")
    assert (outcome["status"], outcome["answer"], outcome["error"]) == (202, "收到", None)
    assert 0 < outcome["seconds"] < 5
    (request,) = receiver.requests
    assert request.verified(subscription["secret"])["event"]["source"] == "zego"
    assert request.headers["transcode-inbox-test"] == "true"
    receiver.stop()
    outcome = ask(service, "POST", f"subscriptions/{subscription['id']}/test")
    assert outcome["status"] is None
    assert outcome["error"].startswith("no connection")
    assert health(service, subscription)["consecutive_failures"] == 0, "a test says nothing of deliveries"


def test_without_a_worker_a_test_says_so(directory: Path, redis_url: str) -> None:
    from tests.workers.test_subscriptions import given
    from workers.queues.delivery_trials import NoWorker, Trials
    from workers.queues.subscriptions import Subscriptions
    from workers.store import connect

    store = connect(redis_url, timeout=5)
    store.flushdb()
    with pytest.raises(NoWorker, match="is one running"):
        Trials(store).run(Subscriptions(store).add(given()), patience=0.2)
    assert not store.exists("ti:trials")


def test_a_receiver_that_was_down_gets_each_once_it_is_back(installation: Installation) -> None:
    receiver = Receiver()
    subscription = subscribe(installation, receiver.url, kind="video")
    for _ in range(5):
        installation.post("cts-video", sample("cts-video"))
    until(lambda: health(installation, subscription)["circuit"] != "closed")
    said = [line for line in installation.log("worker").splitlines() if "nothing but a probe" in line]
    assert len(said) == 1, "said once"
    found = health(installation, subscription)
    assert found["pending"] + found["out"] == 20
    assert found["last_attempts"][0]["error"].startswith("no connection")
    with receiver:
        until(lambda: is_quiet(installation, subscription), 60)
        assert len(receiver.requests) == 20
        assert len(set(receiver.ids)) == 20
        for request in receiver.requests:
            request.verified(subscription["secret"])
    found = health(installation, subscription)
    assert (found["circuit"], found["delivered"], found["consecutive_failures"]) == ("closed", 20, 0)
    assert "a delivery arrived" in installation.log("worker")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_receiver_that_was_down_for_ten_minutes_gets_each_once_it_is_back(service: Service) -> None:
    """In earnest: nothing is shortened."""
    receiver = Receiver()
    subscription = subscribe(service, receiver.url, source="cts-video", min_height=720)
    for _ in range(5):
        service.post("cts-video", sample("cts-video"))
    time.sleep(600)
    assert health(service, subscription)["circuit"] != "closed"
    with receiver:
        # A probe every five minutes, and then what failed waits for its pause, an average of ten minutes at most.
        until(lambda: is_quiet(service, subscription), 720)
        assert len(receiver.requests) == len(set(receiver.ids)) == 10


@pytest.mark.parametrize("fault", ["killed_when_it_has_claimed", "killed_when_it_has_delivered"])
def test_a_worker_killed_in_mid_delivery_loses_nothing_and_ids_stay_the_same(
    installation: Installation, receiver: Receiver, fault: str
) -> None:
    subscription = subscribe(installation, receiver.url, kind="video")
    installation.kill("worker")
    installation.post("cts-video", sample("cts-video"))
    installation.launch("worker", "hasty_deliveries", fault)
    assert installation.end_of("worker") == -signal.SIGKILL
    before = Counter(receiver.ids)
    installation.launch("worker")
    until(lambda: is_quiet(installation, subscription))
    counts = Counter(receiver.ids)
    assert len(counts) == 4, "one of each rendition, under its own id"
    if fault == "killed_when_it_has_delivered":
        assert before
        assert all(counts[one] >= 2 for one in before), "at least once: the receiver can tell by the id"
    bodies = {request.id: request.body for request in receiver.requests}
    assert all(bodies[request.id] == request.body for request in receiver.requests)
    assert health(installation, subscription)["delivered"] == 4


def test_at_a_shutdown_what_is_out_ends_and_the_rest_is_given_back(
    installation: Installation, receiver: Receiver
) -> None:
    def slow(_: Request) -> Any:
        time.sleep(1)
        return 200, {}, b""

    receiver.answer = slow
    finishing = subscribe(installation, receiver.url, kind="video")
    with Receiver(lambda _: None) as hanging:
        stuck = subscribe(installation, hanging.url, kind="video")
        installation.post("cts-video", sample("cts-video"))
        until(lambda: len(receiver.requests) == 4 and len(hanging.requests) == 4)
        began = time.monotonic()
        installation.kill("worker", signal.SIGTERM)
        assert time.monotonic() - began < 8
        assert health(installation, finishing)["delivered"] == 4
        found = health(installation, stuck)
        assert (found["pending"], found["out"], found["failed"]) == (4, 0, 0)
    assert "Traceback" not in installation.log("worker")


def test_a_destination_that_hangs_and_one_that_is_dead_slow_nobody_else(service: Service, receiver: Receiver) -> None:
    with Receiver(lambda _: None) as hanging:
        stuck = subscribe(service, hanging.url)
        subscribe(service, Receiver().url)
        healthy = subscribe(service, receiver.url, name="f30")
        for number in range(5):
            service.post("cts-video", sample("cts-video"))
            posted = time.monotonic()
            until(lambda number=number: len(receiver.requests) > number)
            assert receiver.requests[-1].at - posted < 3, "the others' trouble is its trouble"
        until(lambda: len(hanging.requests) >= 10)
        assert health(service, stuck)["out"] == 10, "as many at once as a destination may have, and no more"
    assert health(service, healthy)["failed"] == 0


def test_many_destinations_that_hang_do_not_slow_the_pull_queue(service: Service) -> None:
    with Receiver(lambda _: None) as hanging:
        for _ in range(8):
            subscribe(service, hanging.url)
        for _ in range(5):
            service.post("cts-video", sample("cts-video"))
        until(lambda: len(hanging.requests) >= 40)
        began = time.monotonic()
        for _ in range(20):
            service.post("cts-video", sample("cts-video"))
        until(lambda: service.store.xlen("ti:inbox") == 0)
        assert time.monotonic() - began < 5


def test_410_disables_the_subscription_and_enabling_it_resumes_what_waits(
    installation: Installation, receiver: Receiver
) -> None:
    receiver.answer = lambda _: (410, {}, b"gone away")
    subscription = subscribe(installation, receiver.url, kind="video")
    installation.post("cts-video", sample("cts-video"))

    def disabled() -> Any:
        return ask(installation, "GET", f"subscriptions/{subscription['id']}")["disabled"]

    assert "410" in until(disabled)["reason"]
    time.sleep(1)
    asked = len(receiver.requests)
    assert asked <= 4
    installation.post("cts-video", sample("cts-video"))
    time.sleep(2)
    assert len(receiver.requests) == asked, "nothing is sent any more"
    assert health(installation, subscription)["pending"] == 4, "what waited waits; what came since is not for it"
    receiver.answer = lambda _: (200, {}, b"")
    ask(installation, "POST", f"subscriptions/{subscription['id']}/enable")
    until(lambda: is_quiet(installation, subscription))
    assert len({*receiver.ids}) == 4


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_a_pause_is_left_alone_for_so_long(
    installation: Installation, receiver: Receiver, status: int
) -> None:
    receiver.answer = lambda _: (status, {"Retry-After": "3"}, b"")
    subscription = subscribe(installation, receiver.url, kind="video")
    installation.post("cts-video", sample("cts-video"))
    until(lambda: len(receiver.requests) == 4)
    last = receiver.requests[-1].at
    receiver.answer = lambda _: (200, {}, b"")
    until(lambda: is_quiet(installation, subscription))
    assert receiver.requests[4].at - last > 2.5
    assert health(installation, subscription)["circuit"] == "closed"
    assert len(receiver.requests) == 8


def test_what_cannot_be_delivered_in_time_becomes_a_dead_letter_that_is_replayed(
    directory: Path, receiver: Receiver
) -> None:
    (directory / "store").mkdir()
    (directory / "logs").mkdir()
    with a_store(directory / "store") as store:
        running = Installation(
            f"redis://127.0.0.1:{store.port}/0", directory / "logs", DELIVERY_HOURS=str(3 / 3600), WEB_CONCURRENCY="1"
        )
        running.always = dict.fromkeys(("worker", "clock"), ("hasty_deliveries",))
        try:
            for name in ("web", "worker", "clock"):
                running.launch(name)
            running.wait_for_web()
            receiver.answer = lambda _: (500, {}, b"no room")
            subscription = subscribe(running, receiver.url, kind="video", name="f10")
            running.post("cts-video", sample("cts-video"))
            letters = until(lambda: running.api("dead-letters").json["dead_letters"])
            (letter,) = letters
            assert letter["reason"] == "undeliverable"
            assert "at last: it answered 500" in letter["message"]
            assert letter["id"] == f"{subscription['id']}:{receiver.ids[0]}"
            asked = len(receiver.requests)
            receiver.answer = lambda _: (200, {}, b"")
            ask(running, "POST", f"dead-letters/{letter['id']}/replay")
            until(lambda: is_quiet(running, subscription) and len(receiver.requests) > asked)
            assert set(receiver.ids) == {receiver.ids[0]}, "the same id as ever"
            assert running.api("dead-letters").json["dead_letters"] == []
        finally:
            running.stop()


def test_secrets_are_in_no_log(installation: Installation) -> None:
    receiver = Receiver()
    subscription = subscribe(installation, f"{receiver.url}?key=hush-hush", kind="video")
    installation.post("cts-video", sample("cts-video"))
    until(lambda: health(installation, subscription)["circuit"] != "closed")
    ask(installation, "POST", f"subscriptions/{subscription['id']}/test")
    logs: Callable[[str], str] = installation.log
    for text in (logs("web"), logs("worker"), logs("clock")):
        assert "hush-hush" not in text
        assert subscription["secret"] not in text
