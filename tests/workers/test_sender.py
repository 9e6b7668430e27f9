"""The sender goes on, whatever happens to the store, to the broker, or to a delivery; and never holds up its process."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.settings import Settings, read_settings
from tests.chaos.store import KillableStore
from tests.receiver import Receiver
from tests.running import free_port, until
from tests.workers.delivering import record
from workers import deliver
from workers.deliver import Sender
from workers.queues.deliveries import Deliveries
from workers.queues.events import Events
from workers.queues.processes import Processes
from workers.queues.subscriptions import Subscriptions


@pytest.fixture
def own_store(directory: Path) -> Iterator[KillableStore]:
    store = KillableStore(directory / "store")
    store.start()
    yield store
    store.stop()


def settings(store: KillableStore, **more: str) -> Settings:
    return read_settings({"REDIS_URL": store.url, "API_TOKEN": "t", "PULL_CREDENTIALS": "id:key", **more})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def subscribe(store: KillableStore, url: str, **asked: Any) -> Subscriptions:
    from schemas.subscription import SubscriptionSchema

    subscriptions = Subscriptions(store.client)
    subscriptions.add(SubscriptionSchema().load({"url": url, "filter": asked}))
    return subscriptions


def post_one(store: KillableStore, subscriptions: Subscriptions, number: int = 1) -> None:
    Processes(store.client).present("clock", time.time())
    record(Events.of(settings(store), store.client), subscriptions, f"{number}-0/0")


def test_a_store_that_is_away_for_a_while_loses_no_settlement_and_is_complained_about_once(
    own_store: KillableStore, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    subscriptions = subscribe(own_store, receiver.url, min_height=720)
    post_one(own_store, subscriptions)
    answered, go_on = threading.Event(), threading.Event()

    def slow(_: Any) -> Any:
        answered.set()
        go_on.wait(10)
        return 200, {}, b""

    receiver.answer = slow
    sender = Sender(settings(own_store))
    sender.start()
    try:
        assert answered.wait(10)
        own_store.kill()
        go_on.set()
        time.sleep(2)
        own_store.start()
        (one,) = subscriptions.list()
        until(lambda: subscriptions.health(one["id"])["delivered"] == 2)
        time.sleep(0.5)
        assert len(receiver.requests) == 2, "what arrived was not sent again"
        assert caplog.text.count("deliveries wait for the store") == 1
    finally:
        sender.stop()


def test_something_unexpected_is_said_and_the_sender_goes_on(
    own_store: KillableStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(deliver, "REST", 0.1)
    real, broken = deliver.make_client, iter([True, True])
    monkeypatch.setattr(deliver, "make_client", lambda: 1 / 0 if next(broken, False) else real())
    subscriptions = subscribe(own_store, receiver.url, min_height=1080)
    post_one(own_store, subscriptions)
    sender = Sender(settings(own_store))
    sender.start()
    try:
        until(lambda: receiver.requests)
        assert caplog.text.count("deliveries: something unexpected went wrong") == 2
    finally:
        sender.stop()


def test_a_delivery_that_breaks_the_sending_is_a_failure_of_its_own(
    own_store: KillableStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = deliver.post

    async def poisoned(client: Any, url: str, **more: Any) -> Any:
        if b'"f40"' in more["body"]:  # in quotes: an id may have it too
            raise ValueError("unheard of")
        return await real(client, url, **more)

    monkeypatch.setattr(deliver, "post", poisoned)
    subscriptions = subscribe(own_store, receiver.url, min_height=720)
    post_one(own_store, subscriptions)
    sender = Sender(settings(own_store), pause=lambda *_: 3600.0)
    sender.start()
    try:
        (one,) = subscriptions.list()
        until(lambda: subscriptions.health(one["id"])["delivered"] == 1)
        until(lambda: subscriptions.health(one["id"])["failed"] == 1)
        errors = {attempt["error"] for attempt in subscriptions.health(one["id"])["last_attempts"]}
        assert errors == {None, "ValueError: unheard of"}
    finally:
        sender.stop()


def test_waking_it_sends_at_once_and_is_safe_at_any_time(own_store: KillableStore, receiver: Receiver) -> None:
    subscriptions = subscribe(own_store, receiver.url, min_height=1080)
    sender = Sender(settings(own_store), every=30.0)
    sender.wake()
    sender.start()
    try:
        time.sleep(0.5)
        post_one(own_store, subscriptions)
        began = time.monotonic()
        sender.wake()
        until(lambda: receiver.requests, 5)
        assert receiver.requests[0].at - began < 1
    finally:
        sender.stop()
    sender.wake()


def test_a_broker_that_is_away_is_a_failure_in_a_sentence_and_http_goes_on(
    own_store: KillableStore, receiver: Receiver
) -> None:
    subscriptions = subscribe(own_store, "celery://video/tasks.publish", min_height=1080)
    subscribe(own_store, receiver.url, min_height=1080)
    post_one(own_store, subscriptions)
    sender = Sender(settings(own_store, BROKER_URL=f"redis://127.0.0.1:{free_port()}/0"), pause=lambda *_: 3600.0)
    sender.start()
    try:
        by_celery = next(one["id"] for one in subscriptions.list() if one["url"].startswith("celery"))
        until(lambda: receiver.requests)
        until(lambda: subscriptions.health(by_celery)["failed"] == 1)
        (attempt,) = subscriptions.health(by_celery)["last_attempts"]
        assert attempt["error"].startswith("the broker did not take it")
    finally:
        sender.stop()


def test_a_stop_waits_for_no_destination_and_the_rest_is_there_for_the_next(
    own_store: KillableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "LAST_SECONDS", 0.3)
    with Receiver(lambda _: None) as hanging:
        subscriptions = subscribe(own_store, hanging.url, min_height=720)
        post_one(own_store, subscriptions)
        sender = Sender(settings(own_store))
        sender.start()
        until(lambda: len(hanging.requests) == 2)
        began = time.monotonic()
        sender.stop()
        assert time.monotonic() - began < 2
    claimed = Deliveries(own_store.client, Events.of(settings(own_store), own_store.client)).claim(10)
    assert [delivery.attempt for delivery in claimed] == [1, 1], "as if never tried"
