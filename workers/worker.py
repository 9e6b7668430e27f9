"""A worker process: `python -m workers.worker`. Run as many as there is work for; each takes one message at a time.

The pool is `solo`: the process that consumes is the one that works. There is no second process to lose sight of, a kill hits
the work and the consumer together, and more work is more processes, which the Procfile's runner starts anyway.
"""

from schemas.settings import Settings
from workers.celery import make_celery
from workers.start import start


def main(settings: Settings) -> None:
    """Consumes until told to stop; a first SIGTERM lets the current message finish."""
    from workers.tasks import ingest

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
