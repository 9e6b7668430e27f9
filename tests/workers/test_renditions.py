"""The topic exchange: whoever binds a queue gets just what it wants."""

import contextlib
import socket
from collections.abc import Iterator

import kombu
import pytest

from schemas.samples import sample
from tests.running import Service, until
from workers.queues.renditions import EXCHANGE, routing_key


@contextlib.contextmanager
def bound(service: Service, *keys: str) -> Iterator[list[kombu.Message]]:
    """The messages that a queue bound with these keys gets."""
    received: list[kombu.Message] = []

    def keep(body: dict[str, object], message: kombu.Message) -> None:
        message.ack()
        received.append(message)

    with kombu.Connection(service.redis_url) as connection:
        queues = [kombu.Queue(f"test-{number}", EXCHANGE, routing_key=key) for number, key in enumerate(keys)]
        with connection.Consumer(queues, callbacks=[keep], accept=["json"]):
            yield _Draining(connection, received)
        for queue in queues:
            queue(connection.default_channel).delete()


class _Draining(list):  # type: ignore[type-arg]
    """Messages, fetched when they are counted."""

    def __init__(self, connection: kombu.Connection, received: list[kombu.Message]) -> None:
        super().__init__()
        self._connection, self._received = connection, received

    def expect(self, count: int) -> list[kombu.Message]:
        with contextlib.suppress(socket.timeout, TimeoutError):
            while True:
                self._connection.drain_events(timeout=5 if len(self._received) < count else 0.5)
        assert len(self._received) == count
        return self._received


@pytest.mark.parametrize(
    ("key", "count"),
    [("#", 27), ("cts-video.video.#", 4), ("*.snapshot.*", 5), ("*.*.f10", 1), ("tencent-vod.#", 6), ("vimeo.#", 0)],
)
def test_a_consumer_gets_just_what_it_binds(service: Service, key: str, count: int) -> None:
    with bound(service, key) as messages:
        for source in ("cts-video", "cts-audio", "cts-snapshot", "tencent-vod", "zego"):
            service.post(source, sample(source))
        messages.expect(count)


def test_a_message_is_the_rendition_with_its_event_and_its_id(service: Service) -> None:
    with bound(service, "cts-video.video.f10") as messages:
        service.post("cts-video", sample("cts-video"))
        (message,) = messages.expect(1)
    (event,) = service.api("events").json["events"]
    rendition = next(rendition for rendition in event["renditions"] if rendition["name"] == "f10")
    about = message.payload.pop("event")
    assert message.payload == rendition
    assert about == {key: value for key, value in event.items() if key not in ("raw", "renditions")}
    assert message.properties["message_id"] == rendition["id"]


def test_a_duplicate_is_not_handed_on_again(service: Service) -> None:
    body = sample("zego")
    with bound(service, "zego.#") as messages:
        for _ in range(3):
            service.post("zego", body)
        messages.expect(1)


def test_nobody_bound_leaves_nothing_behind(service: Service) -> None:
    service.post("cts-video", sample("cts-video"))
    until(lambda: service.store.xlen("ti:events") == 1 and service.store.xlen("ti:inbox") == 0)
    leftover = {key for key in service.store.keys("*") if not key.startswith((b"ti:", b"_kombu.binding.", b"unacked"))}
    assert leftover == set()


def test_dots_in_a_name_do_not_add_words_to_the_routing_key() -> None:
    assert routing_key("cts-audio", {"kind": "audio", "name": "a.b.c"}) == "cts-audio.audio.a_b_c"  # type: ignore[typeddict-item]
    assert len(routing_key("cts-audio", {"kind": "audio", "name": "名" * 300}).encode()) <= 255  # type: ignore[typeddict-item]
