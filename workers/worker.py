"""A worker process: `python -m workers.worker`. Run as many as there is work for; each takes one message at a time.

The pool is `solo`: the process that consumes is the one that works. There is no second process to lose sight of, a kill hits
the work and the consumer together, and more work is more processes, which the Procfile's runner starts anyway.
"""

import logging
import warnings

from celery.exceptions import SecurityWarning

from schemas.settings import Settings
from workers.celery import make_celery
from workers.start import start


def main(settings: Settings) -> None:
    """Consumes until told to stop; a first SIGTERM lets the current message finish."""
    from workers.tasks import ingest

    # Celery warns root because of pickle; only JSON is accepted here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    for chatty in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))
    celery = make_celery(settings)
    ingest.register(celery, settings)
    celery.Worker(
        pool="solo",
        loglevel=settings.log_level.upper(),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    ).start()


if __name__ == "__main__":
    main(start())
