"""One attempt to deliver something as a task of the team's own Celery app, through the broker that is ours too."""

import json
import time

from schemas.settings import Settings
from schemas.subscription import CeleryTask
from schemas.webhook import task_id
from workers.celery import make_celery
from workers.outcome import Outcome


class TaskPublisher:
    """Publishes tasks by name. A call blocks, for as long as the broker may take to answer."""

    def __init__(self, settings: Settings) -> None:
        self._celery = make_celery(settings)
        if settings.broker_url.startswith(("amqp", "pyamqp")):
            # RabbitMQ says whether it has a message only if it is asked to.
            self._celery.conf.broker_transport_options = {"confirm_publish": True}

    def publish(self, to: CeleryTask, *, message_id: str, body: bytes, test: bool = False) -> Outcome:
        """Publishes one task with the document as its only argument. Its id is as stable as the webhook id. Never raises.

        A connection that broke meanwhile is replaced once. A `test` says so in its header `transcode_inbox_test`.
        """
        began = time.monotonic()
        try:
            self._celery.send_task(
                to["task"],
                args=[json.loads(body)],
                queue=to["queue"],
                task_id=task_id(message_id),
                serializer="json",
                headers={"transcode_inbox_test": True} if test else None,
                retry=True,
                retry_policy={"max_retries": 1, "interval_start": 0},
            )
        except Exception as error:
            return Outcome(time.monotonic() - began, error=f"the broker did not take it: {type(error).__name__}")
        return Outcome(time.monotonic() - began, answer="published")
