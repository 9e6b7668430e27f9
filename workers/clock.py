"""The clock: `python -m workers.clock`. What has to happen by itself, once a second. Any number may run.

Each duty stands alone: one that fails is logged and tried again a second later, and the others go on.
"""

import logging
import signal
import threading
import time
from collections.abc import Callable

from schemas.settings import Settings
from workers.celery import make_celery
from workers.enqueue import Enqueue
from workers.queues.dead_letter_retention import DeadLetterRetention
from workers.queues.deliveries import Deliveries
from workers.queues.events import Events
from workers.queues.inbox import Inbox
from workers.queues.processes import Processes
from workers.queues.pull import PullQueues
from workers.queues.retention import Retention
from workers.queues.samples import Samples
from workers.queues.spool import Spool
from workers.queues.stages import Stages
from workers.queues.upgrade import Upgrade
from workers.start import start
from workers.store import Store, connect
from workers.tasks.sweep import Sweep

#: Seconds between two rounds.
EVERY = 1.0
#: Seconds a store command may take.
STORE_TIMEOUT = 10.0

# Run as a program it has no name of its own.
log = logging.getLogger("workers.clock")


def duties(settings: Settings, client: Store, processes: Processes) -> dict[str, Callable[[], object]]:
    """Everything the clock does in a round, by name."""
    enqueue = Enqueue(make_celery(settings))
    inbox, started = Inbox(client), time.time()
    spool = Spool(settings.spool_dir, settings.spool_max_bytes) if settings.spool_dir else None
    deliveries = Deliveries(client, Events.of(settings, client))
    return {
        # Also lets queue time go on.
        "presence": lambda: processes.present("clock", started),
        "upgrade": Upgrade(client).run,
        "spool": lambda: enqueue.publish(spool.drain(inbox.append)) if spool else None,
        "sweep": Sweep(inbox, publish=enqueue.publish, queued=enqueue.queued).run,
        "contents": PullQueues(client, key=settings.seal_key, queues=len(settings.pull_queues)).drop_finished,
        "deliveries": lambda: deliveries.bury(hours=settings.delivery_hours, retention_days=settings.retention_days),
        "samples": Samples(client, Stages(client, pull_queues=settings.pull_queues)).take,
        "retention": Retention(client, days=settings.retention_days).run,
        "dead letters": DeadLetterRetention(client, days=settings.dead_letter_days).run,
    }


def say_what_is_open(settings: Settings) -> None:
    """Says once, at the start, what is not checked. The clock does, being the one process of which there is usually one."""
    if settings.zego_callback_secret is None:
        log.warning("ZEGO_CALLBACK_SECRET is not set: ZEGO's callbacks are believed without a signature")
    if not settings.callback_tokens:
        log.warning("CALLBACK_TOKENS is not set: whoever reaches a callback URL can post to it")


def main(settings: Settings) -> None:
    """Goes on until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    say_what_is_open(settings)
    client = connect(settings.redis_url, timeout=STORE_TIMEOUT)
    processes = Processes(client)
    rounds = duties(settings, client, processes)
    while not stop.wait(EVERY):
        for name, duty in rounds.items():
            try:
                duty()
            except Exception as error:
                log.warning("%s: %s: %s; tried again in %g s", name, type(error).__name__, error, EVERY)
    processes.leave("clock")


if __name__ == "__main__":
    main(start())
