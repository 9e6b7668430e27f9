"""The parts that a web process's views share, wired up once."""

import logging
import threading
import time

import redis

from app.announcer import Announcer
from app.counts import Counts, trouble
from app.counts_directory import counts_directory
from app.draining import begin_no_connection
from app.durability import Durability
from app.group_commit import GroupCommit
from app.pull.waiting_room import WaitingRoom
from app.pull.witness import Witness
from app.traces import WebTraces
from app.web import GRANIAN_THREADS
from schemas.settings import Settings
from schemas.sources import SOURCES
from workers.celery import make_celery
from workers.enqueue import Enqueue
from workers.queues.dead_letters import DeadLetters
from workers.queues.deliveries import Deliveries
from workers.queues.delivery_trials import Trials
from workers.queues.events import Events
from workers.queues.inbox import Inbox
from workers.queues.listing import Listing
from workers.queues.processes import Processes
from workers.queues.pull import PullQueues
from workers.queues.samples import Samples
from workers.queues.spool import Spool
from workers.queues.stages import Stages
from workers.queues.subscriptions import Subscriptions
from workers.store import connect

#: Seconds the store may take to make callbacks durable. The vendors wait 5 s, and a second try must fit in.
COMMIT_TIMEOUT = 0.8
#: Seconds the store may take for everything else.
STORE_TIMEOUT = 5.0
#: Clients that may wait for events in one process at once. Where each takes a thread, half of the threads are left for others.
MOST_WAITING = {"gunicorn": 10_000, "granian": GRANIAN_THREADS // 2}
#: Connections to the store that views share.
CONNECTIONS = 16
#: Seconds between two signs of life.
PULSE_EVERY = 1.0

log = logging.getLogger(__name__)


class Services:
    """Everything that answers requests in one process needs. Connects to nothing before a request or `start`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        #: True once this process was told to stop.
        self.draining = False
        store = connect(settings.redis_url, timeout=STORE_TIMEOUT, connections=CONNECTIONS)
        # Callbacks have a connection of their own: however busy the others are, an append never queues behind them.
        commit_store = connect(settings.redis_url, timeout=COMMIT_TIMEOUT, connections=2)
        self.store = store
        self.enqueue = Enqueue(make_celery(settings))
        self.announcer = Announcer(self.enqueue.publish)
        self.spool = Spool(settings.spool_dir, settings.spool_max_bytes) if settings.spool_dir else None
        self.counts = Counts(sources=SOURCES, queues=settings.pull_queues, directory=counts_directory())
        self.durability = Durability(
            commit_store,
            self.spool,
            self.announcer.announce,
            lambda callbacks, error: self.counts.spooled(callbacks, trouble(error)),
        )
        self.traces = WebTraces.asked_for()
        committed = self.counts.committed if self.traces is None else self.traces.after(self.counts.committed)
        self.group_commit = GroupCommit(self.durability.append, self.announcer.announce, committed)
        self.inbox = Inbox(store)
        self.events = Events.of(settings, store)
        self.listing = Listing(store)
        self.deliveries = Deliveries(store, self.events)
        self.trials = Trials(store)
        self.dead_letters = DeadLetters(store, put_back=self.deliveries.put_back)
        self.subscriptions = Subscriptions(store)
        self.processes = Processes(store)
        self.stages = Stages(store, pull_queues=settings.pull_queues)
        self.samples = Samples(store, self.stages)
        self.pull_queues = PullQueues(store, key=settings.seal_key, queues=len(settings.pull_queues))
        self.witness = Witness(self.counts, self.traces, self.events.origins)
        self.waiting_room = WaitingRoom(
            self.pull_queues, most_waiting=MOST_WAITING[settings.web_server], witness=self.witness
        )

    def drain(self) -> None:
        """Takes leave: see `app.draining`. The server itself is to go on for a while yet."""
        self.draining = True
        begin_no_connection()
        self.waiting_room.close()
        if self.traces is not None:
            self.traces.flush()
        self.processes.leave("web")

    def start(self) -> None:
        """Starts what a serving process does by itself: it says that it lives, and drains a spool left from before."""
        threading.Thread(target=self._pulse, name="pulse", daemon=True).start()
        if self.spool is not None:
            self.durability.watch()

    def _pulse(self) -> None:
        started, said = time.time(), dict[str, int]()
        while True:
            try:
                # Also lets queue time go on, should no clock be running.
                self.processes.present("web", started)
                accepted = self.counts.accepted()
                self.samples.came_in({source: count - said.get(source, 0) for source, count in accepted.items()})
                said = accepted
            except redis.RedisError as error:
                log.debug("pulse: %s: %s", type(error).__name__, error)
            time.sleep(PULSE_EVERY)
