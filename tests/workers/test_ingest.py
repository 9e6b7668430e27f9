"""A callback that ends the workers which read it: the last thing between a group and its end."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from schemas.samples import sample
from tests.running import ROOT, Service
from workers.queues.inbox import BEGIN, NONE, Callback, Inbox
from workers.queues.references import reference
from workers.tasks.ingest import HOPELESS_AFTER, MOST_DEATHS, SUSPICIOUS_AFTER

#: A worker that dies of one body, as one would of a fault in a C library.
MORTAL = """
import os, signal, sys
from celery import Celery
from schemas.settings import read_settings
from workers.tasks import ingest
reads = ingest.read_callback
def read_callback(source, body, **options):
    if b"deadly" in body:
        os.kill(os.getpid(), signal.SIGKILL)
    return reads(source, body, **options)
ingest.read_callback = read_callback
settings = read_settings(os.environ)
ingest.Ingest(settings, Celery(broker=settings.broker_url)).run(sys.argv[1:])
"""


def test_a_callback_that_ends_workers_becomes_a_dead_letter_and_its_neighbours_events(
    store: redis.Redis, redis_url: str, directory: Path
) -> None:
    environment = Service(redis_url, directory).environment
    inbox = Inbox(store)
    entry = inbox.append(
        [Callback("zego", sample("zego")), Callback("zego", b"deadly"), Callback("zego", sample("zego"))]
    )
    ends = []
    for _ in range(SUSPICIOUS_AFTER + MOST_DEATHS + 1):
        ended = subprocess.run([sys.executable, "-c", MORTAL, entry], env=environment, cwd=ROOT, timeout=30)
        ends.append(ended.returncode)
        lost, _ = inbox.lost(
            overtaken=NONE, idle_since=inbox.sight().newest, unqueued=NONE, grace=0, begin=BEGIN, most=10
        )
        assert lost == ([entry] if ended.returncode else [])
    assert ends == [-signal.SIGKILL] * (SUSPICIOUS_AFTER + MOST_DEATHS) + [0]
    assert store.xlen("ti:events") == 2
    assert store.xlen("ti:inbox") == store.hlen("ti:inbox:suspects") == 0
    (letter,) = store.zrange("ti:dead", 0, -1)
    assert store.hget(b"ti:dead:" + letter, "reason") == b"internal"
    assert store.hget(b"ti:dead:" + letter, "message") == b"2 workers ended while they read it"


def test_a_callback_that_can_never_be_recorded_becomes_a_dead_letter_in_the_end(
    store: redis.Redis, redis_url: str, directory: Path
) -> None:
    environment = Service(redis_url, directory).environment
    inbox = Inbox(store)
    bad = sample("zego")
    # Whatever it may be in earnest: here, a key of the wrong type where the event's index belongs.
    store.rpush(f"ti:reference:{reference(json.loads(bad)['TaskId'])}", "in the way")
    entry = inbox.append([Callback("zego", bad), Callback("zego", sample("zego"))])
    for times in range(HOPELESS_AFTER + 1):
        assert store.xlen("ti:inbox") == 1, times
        subprocess.run(
            [sys.executable, "-c", MORTAL, entry], env=environment, cwd=ROOT, timeout=30, capture_output=True
        )
        inbox.lost(overtaken=NONE, idle_since=inbox.sight().newest, unqueued=NONE, grace=0, begin=BEGIN, most=10)
    assert store.xlen("ti:inbox") == 0
    (letter,) = store.zrange("ti:dead", 0, -1)
    assert store.hget(b"ti:dead:" + letter, "body") == bad
    assert b"could not be recorded" in store.hget(b"ti:dead:" + letter, "message")
    assert store.llen("ti:pull:0") == 1, "its neighbour"


def test_reading_costs_an_ordinary_entry_no_note(store: redis.Redis, redis_url: str, directory: Path) -> None:
    environment = Service(redis_url, directory).environment
    entry = Inbox(store).append([Callback("zego", sample("zego"))])
    store.config_resetstat()
    subprocess.run([sys.executable, "-c", MORTAL, entry], env=environment, cwd=ROOT, timeout=30, check=True)
    assert store.info("commandstats")["cmdstat_hincrby"]["calls"] == 2, "only the counters of recorded events"


pytestmark = pytest.mark.timeout(90)
