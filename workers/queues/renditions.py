"""Renditions go out, each as a message of its own, on the kombu topic exchange `renditions`.

Whoever wants some binds a queue: `cts-video.video.#`, `*.snapshot.*`. The routing key is `<source>.<kind>.<name>`, dots in a name
written as `_`. The message is the rendition as JSON with its event (without `raw` and `renditions`) under `event`; its
`message_id` is the rendition's id, the same if it is ever sent twice (at-least-once: a worker that dies between recording and
finishing is followed by one that hands on again).
"""

from collections.abc import Iterable
from typing import Any

from celery import Celery
from kombu import Exchange, Producer
from kombu.common import maybe_declare
from kombu.transport.virtual import Channel as VirtualChannel

from schemas.event import Rendition, TranscodeEvent

EXCHANGE = Exchange("renditions", type="topic", durable=True)
#: AMQP's limit on a routing key, in bytes.
MOST_KEY_BYTES = 255
#: Seconds to wait for a free connection to the broker.
POOL_TIMEOUT = 10


def routing_key(source: str, rendition: Rendition) -> str:
    """`cts-video`, kind `video`, name `f10` -> `cts-video.video.f10`; every part is one word of the topic."""
    key = ".".join(part.replace(".", "_") for part in (source, rendition["kind"], rendition["name"]))
    return key.encode("utf-8", "replace")[:MOST_KEY_BYTES].decode("utf-8", "ignore")


class RenditionExchange:
    """Sends renditions through the broker of a Celery application."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def publish(self, handed_on: Iterable[tuple[TranscodeEvent, list[Rendition]]]) -> None:
        """Sends each event's renditions. Raises what the broker's client raises; then all may be sent again.

        Where the broker keeps its bindings in the open (Redis) and there are none, that one look is all it costs. RabbitMQ
        drops unbound messages itself.
        """
        with self._celery.producer_pool.acquire(block=True, timeout=POOL_TIMEOUT) as producer:
            maybe_declare(EXCHANGE, producer.channel)
            if _nobody_is_bound(producer):
                return
            for event, renditions in handed_on:
                about = {key: value for key, value in event.items() if key not in ("raw", "renditions")}
                for rendition in renditions:
                    self._send(producer, about, rendition)

    def _send(self, producer: Producer, about: dict[str, Any], rendition: Rendition) -> None:
        producer.publish(
            {**rendition, "event": about},
            exchange=EXCHANGE,
            routing_key=routing_key(about["source"], rendition),
            message_id=rendition["id"],
            serializer="json",
            retry=False,
        )


def _nobody_is_bound(producer: Producer) -> bool:
    channel = producer.channel
    return isinstance(channel, VirtualChannel) and not channel.get_table(EXCHANGE.name)
