"""A worker process: `python -m workers.worker`. Run as many as there is work for; each takes one message at a time.

The pool is `solo`: the process that consumes is the one that works. There is no second process to lose sight of, a kill hits
the work and the consumer together, and more work is more processes, which the Procfile's runner starts anyway.
"""

import contextlib
import logging
import os
import socket
import time
import warnings

import celery.apps.worker
import redis
from celery.exceptions import SecurityWarning
from celery.signals import worker_shutting_down

from schemas.settings import Settings
from workers.celery import make_celery
from workers.deliver import Sender
from workers.enqueue import Enqueue
from workers.queues.inbox import Inbox
from workers.queues.processes import Processes
from workers.queues.spool import Spool
from workers.queues.upgrade import Upgrade
from workers.start import start
from workers.store import Store, connect
from workers.tracing import tracing
from workers.watchdog import STALLED, Watchdog

#: How much a worker steps back from the processor: an acknowledgement has a deadline, the work behind it has none.
NICENESS = 10
#: Seconds a store command of the watchdog may take.
STORE_TIMEOUT = 5.0

# Run as a program it has no name of its own.
log = logging.getLogger("workers.worker")


def main(settings: Settings) -> None:
    """Consumes until told to stop; a first SIGTERM lets the current message finish."""
    from workers.tasks import ingest

    os.nice(NICENESS)
    # Celery warns root because of pickle; only JSON is accepted here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    # httpx names the whole URL of every request, which may hold a secret.
    for chatty in ("celery.worker.strategy", "celery.app.trace", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
    # Celery would print what it does at a signal, in no form, past the log.
    celery.apps.worker.safe_say = lambda message, *_: log.info("%s", message.strip())
    Upgrade(connect(settings.redis_url, timeout=STORE_TIMEOUT)).run_when_possible()
    application = make_celery(settings)
    # Its connections are the watchdog's own, which has to see clearly just when the worker's are broken.
    store = connect(settings.redis_url, timeout=STORE_TIMEOUT, connections=1)
    processes = Processes(store)
    watchdog = _watchdog(settings, Enqueue(make_celery(settings)), store, processes)
    traced = tracing("worker")
    sender = Sender(settings, traced=traced)
    ingest.register(application, settings, watchdog, sender.wake, traced)
    watchdog.start()
    sender.start()

    @worker_shutting_down.connect(weak=False)
    def drain(**_: object) -> None:
        sender.drain()

    worker = application.Worker(
        hostname=f"{os.environ.get('HONCHO_PROCESS_NAME', 'worker')}.{os.getpid()}@{socket.gethostname()}",
        pool="solo",
        loglevel=settings.log_level.upper(),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    try:
        worker.start()
    finally:
        sender.stop()
        processes.leave("worker")


def _watchdog(settings: Settings, enqueue: Enqueue, store: Store, processes: Processes) -> Watchdog:
    started = time.time()
    spool = Spool(settings.spool_dir, settings.spool_max_bytes) if settings.spool_dir else None
    inbox = Inbox(store)

    def alive(finished: int) -> None:
        processes.present("worker", started, finished)
        if spool is not None:
            enqueue.publish(spool.drain(inbox.append))

    def give_up() -> None:
        with contextlib.suppress(redis.RedisError):
            store.hincrby("ti:counters", "stalled_workers", 1)
        os._exit(STALLED)

    return Watchdog(enqueue.queued, alive, give_up)


if __name__ == "__main__":
    main(start())
