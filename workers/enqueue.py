"""Tells the workers which inbox entries there are: the claim check that travels through the broker."""

from collections.abc import Sequence

from celery import Celery

from workers.celery import INGEST, QUEUE

#: Entry ids in one message, at most: a message should be seconds of work, not minutes.
MOST_IDS = 64


class Enqueue:
    """Publishes entry ids through one Celery application."""

    def __init__(self, celery: Celery) -> None:
        self._celery = celery

    def publish(self, entry_ids: Sequence[str]) -> None:
        """Sends the ids, MOST_IDS a message. Raises what the broker's client raises; the sweep makes good for it."""
        for start in range(0, len(entry_ids), MOST_IDS):
            self._celery.send_task(
                INGEST, args=[list(entry_ids[start : start + MOST_IDS])], queue=QUEUE, retry=False, ignore_result=True
            )

    def queued(self) -> int:
        """How many messages wait on the broker."""
        with self._celery.connection_for_read() as connection, connection.channel() as channel:
            queue = self._celery.amqp.queues[QUEUE]
            return int(queue(channel).queue_declare(passive=False).message_count)
