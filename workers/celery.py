"""The Celery application: one task queue, on any broker, whose messages carry inbox entry ids, never bodies.

Losing a message loses nothing (the inbox is the ledger, the sweep publishes again) and getting one twice does nothing (recording
is atomic and remembers where an event came from), so the settings here aim at one thing: nothing may hang.
"""

from celery import Celery

from schemas.sentinel import SentinelAddress, read_sentinel_address
from schemas.settings import Settings

#: The task queue's name on the broker.
QUEUE = "transcode-inbox"
#: The task's name: `app` enqueues by it and never imports the task.
INGEST = "ingest"
#: Seconds a broker may take to answer.
BROKER_TIMEOUT = 5
#: Seconds after which a message taken by a worker that vanished is given to another. The sweep is usually faster.
VISIBILITY_TIMEOUT = 300


def make_celery(settings: Settings) -> Celery:
    """The application for `settings.broker_url`. Nothing connects yet."""
    sentinel = read_sentinel_address(settings.broker_url)
    broker_url = settings.broker_url if sentinel is None else sentinel.broker_urls
    celery = Celery("transcode-inbox", broker=broker_url, set_as_current=False)
    celery.conf.update(
        task_default_queue=QUEUE,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_enable_remote_control=False,
        broker_connection_timeout=BROKER_TIMEOUT,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport_options(broker_url) | _sentinel_options(sentinel),
    )
    return celery


def _sentinel_options(sentinel: SentinelAddress | None) -> dict[str, object]:
    if sentinel is None:
        return {}
    password = {"password": sentinel.sentinel_password} if sentinel.sentinel_password else {}
    return {"master_name": sentinel.service, "sentinel_kwargs": {"socket_timeout": 1.0, **password}}


def _transport_options(broker_url: str) -> dict[str, object]:
    if broker_url.startswith(("redis:", "rediss:", "redis+socket:", "sentinel:")):
        return {
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "socket_timeout": BROKER_TIMEOUT,
            "socket_connect_timeout": BROKER_TIMEOUT,
            "socket_keepalive": True,
            "health_check_interval": 10,
            # A publish that cannot go out now is the sweep's; retrying here would only pile up waiting publishers.
            "retry_on_timeout": False,
        }
    if broker_url.startswith("sqs:"):
        return {"visibility_timeout": VISIBILITY_TIMEOUT}
    return {}
