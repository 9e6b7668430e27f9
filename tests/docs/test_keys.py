"""No key in the store is without an owner: the page has every one, and when all is over only those it says are left."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from schemas.matching import deliveries as matched
from schemas.reading import read_callback
from schemas.samples import sample
from schemas.sources import SOURCES
from schemas.subscription import SubscriptionSchema
from tests.running import ROOT
from workers.outcome import Outcome
from workers.queues.dead_letter_retention import DeadLetterRetention
from workers.queues.dead_letters import DeadLetter, DeadLetters
from workers.queues.deliveries import Deliveries, Settlement, attempt_of
from workers.queues.delivery_trials import Trial, Trials
from workers.queues.events import Events, Recordable
from workers.queues.inbox import BEGIN, Callback, Inbox
from workers.queues.processes import Processes
from workers.queues.pull import PullQueues
from workers.queues.retention import Retention
from workers.queues.samples import Samples
from workers.queues.stages import Stages
from workers.queues.subscriptions import Subscriptions

PAGE = (ROOT / "docs" / "keys.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| `ti:")]


def keys_in(cell: str) -> list[str]:
    """The keys a cell names; `…:out` begins as the one before it."""
    keys: list[str] = []
    for name in re.findall(r"`([^`]+)`", cell):
        keys.append(name.replace("…", re.sub(r"(?<=>):.*", "", "".join(keys[:1]))))
    return keys


KEYS = {key: row[2] for row in ROWS for key in keys_in(row[0])}


@pytest.mark.parametrize("room", ["app", "workers", "schemas"])
def test_the_page_has_every_key_that_is_written(room: str) -> None:
    begun = {re.split(r"<", key)[0].rstrip(":") for key in KEYS}
    for file in (ROOT / room).rglob("*"):
        if file.suffix in (".py", ".lua"):
            for key in re.findall(r"""["'](ti:[a-z_]+(?::[a-z0-9_]+)*)""", file.read_text(encoding="utf-8")):
                assert any(one.startswith(key) for one in {*begun, "ti:nothing"}), f"{key} in {file.relative_to(ROOT)}"


def test_the_page_says_where_each_is_written() -> None:
    for row in ROWS:
        (file,) = re.findall(r"`([^`]+)`", row[3])
        text = (ROOT / "workers" / "queues" / file).resolve().read_text(encoding="utf-8")
        first = keys_in(row[0])[0].split("<")[0].rstrip(":")
        assert first in text, (first, file)


def pass_days(store: redis.Redis, days: float) -> None:
    store.hincrby("ti:time", "now", int(days * 86_400_000))


def test_when_all_is_over_only_what_the_page_says_is_left(store: redis.Redis) -> None:
    events = Events(store, pull_queues=["0", "7"], dedup_days=4, retention_days=4)
    subscriptions, deliveries = Subscriptions(store), Deliveries(store, events)
    letters, trials, inbox = DeadLetters(store, put_back=deliveries.put_back), Trials(store), Inbox(store)
    both = [
        subscriptions.add(SubscriptionSchema().load({"url": "http://h/", "each": each}))
        for each in ("rendition", "event")
    ]

    seen = {
        name_of(key)
        for _ in everything_happens(store, events, subscriptions, deliveries, letters)
        for key in all_of(store)
    }
    Processes(store).present("web", 0.0)
    Samples(store, Stages(store, pull_queues=["0", "7"])).take()
    trials.tell(Trial("1", "http://h/", "whsec_", "msg_", b"{}"), Outcome(0.1, 200))
    entry = inbox.append([Callback("zego", b"{}")])
    assert inbox.lost(overtaken="0-0", idle_since=entry, unqueued="0-0", grace=5, begin=BEGIN, most=16)[0] == [entry]
    inbox.begin(f"{entry}/0")
    seen |= {name_of(key) for key in all_of(store)}

    inbox.end(f"{entry}/0")
    inbox.finish([entry])
    pass_days(store, 40)
    Retention(store, days=4).run()
    PullQueues(store, key=b"k" * 32, queues=2).drop_finished()
    DeadLetterRetention(store, days=30).run()
    for one in both:
        subscriptions.remove(one["id"])
    letters.discard_some(limit=500)
    left = {key for key in all_of(store) if store.ttl(key) == -1}
    seen |= {name_of(key) for key in left}
    assert set(KEYS) - seen == {"ti:probe", "ti:console:ended:<session>", "ti:trials", "ti:renditions"}
    stays = {"ti:samples", "ti:processes", "ti:pull:<queue>:calls", "ti:inbox", "ti:events"}
    assert store.xlen("ti:inbox") == store.xlen("ti:events") == 0
    assert {name_of(key) for key in left} <= {key for key, who in KEYS.items() if who == "stays"} | stays


def everything_happens(
    store: redis.Redis, events: Events, subscriptions: Subscriptions, deliveries: Deliveries, letters: DeadLetters
) -> Iterator[None]:
    """Each source's sample is recorded, pulled, confirmed by one queue or by both, and pushed, or not; and there are letters."""
    queues = PullQueues(store, key=b"k" * 32, queues=2)
    for number, source in enumerate(SOURCES, 1):
        body = sample(source)
        event = read_callback(source, body, received_at="2026-01-01T00:00:00.000Z", check_signature=False)
        what = matched(subscriptions.list(), event)
        (answer,) = events.record([Recordable(event, body, f"{number}-0/0", b"{}", b"{}", True, what)])
        assert isinstance(answer, list)
        letters.add([DeadLetter(source, bytes([number]), "invalid", "so", 1, f"{number}-0/1")])
    for queue, most in (("0", 4), ("7", 2)):
        queues.pull(queue, "v3", most, by="AKIDtest")
        pass_days(store, 31 / 86_400)
        again, _ = queues.pull(queue, "v3", most)
        queues.confirm(queue, [pulled.handle.decode() for pulled in again[1:]])
    claimed = deliveries.claim(4)
    yield
    about: dict[str, Any] = {"at": "2026-01-01T00:00:00.000Z", "seconds": 0.1, "answer": None}
    ends = [{"status": 200, "error": None}, {"status": 500, "error": "it answered 500"}]
    for delivery, end in zip(claimed, ends, strict=False):
        became = "failed" if end["error"] else "delivered"
        deliveries.settle([Settlement(delivery, became, 5.0, attempt_of(delivery, **about, **end))])  # type: ignore[arg-type]
    pass_days(store, 1.5)
    deliveries.bury(hours=24, retention_days=4)
    (letter, *_) = letters.list(limit=1, sort="delivery").items
    assert letters.replay(letter["id"]) == ""
    yield
    deliveries.claim(2)
    yield


def all_of(store: redis.Redis) -> list[bytes]:
    return list(store.scan_iter("ti:*"))


def name_of(key: bytes) -> str:
    """The name that the page has for a key."""
    text = key.decode()
    for name in sorted(KEYS, key=lambda name: name.count("<")):
        form = name.replace("<queue>", "[0-9]+").replace("<subscription>", "sub_[0-9a-f]+")
        if re.fullmatch(re.sub(r"<[^>]+>", ".+", form), text):
            return name
    raise AssertionError(f"{text} is not on the page")
