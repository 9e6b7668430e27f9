"""What a kept event costs, and whether lists stay as fast when there are a million of them.

Events are recorded, pulled and confirmed by the parts that do so in earnest, without HTTP around them; lists are timed
as the API asks for them, the store's round trips included. The long case wants about 1 GB of memory and ten minutes.
"""

import json
import statistics
import time
from collections.abc import Iterator
from itertools import islice

from celery import Celery

from schemas.samples import sample
from schemas.settings import read_settings
from tests.bench import load
from tests.bench.contestants import our_environment
from tests.bench.plan import Plan
from tests.bench.report import Ratio, Row, Section, say
from tests.bench.servers import Valkey, valkey
from workers.queues.inbox import Callback, Inbox
from workers.queues.listing import Listing
from workers.queues.pull import PullQueues
from workers.tasks.ingest import Ingest

#: Events in the history, in the two cases.
MANY, FEW = 1_000_000, 10_000
#: Events over which the memory of one is taken, for each source.
WEIGHED = 10_000
#: Events recorded, and then pulled, at once.
GROUP = 64
#: Times each list is asked for; the median counts.
TIMES = 200
#: Events that the rare filters find.
RARE = 3
SOURCES = ("cts-video", "cts-audio", "cts-snapshot", "tencent-vod", "zego")

#: As long as the vendor's are: it is part of an event's story.
SECRET_ID = "AKID" + 32 * "x"

#: Bytes of a kept and confirmed event to those of its body twice, less than.
REQUIRED_BYTES = 1.0
#: Time of a list with many events in the history to that with few, at most.
REQUIRED_TIME = 2.0

#: What is asked for; the first page of each.
QUESTIONS: dict[str, dict[str, str]] = {
    "all": {},
    "of a source and status": {"source": "cts-video", "status": "succeeded"},
    "with a rendition's name": {"kind": "video", "name": "f20"},
    f"the {RARE} that failed": {"status": "failed"},
    "of a media id": {"media_id": "the rare one 0"},
}


def history(plan: Plan) -> Section:
    """Bytes of a kept event, and the time of lists beside few and many."""
    section = Section("A long history")
    for source in SOURCES:
        body, before, after = _weighed(source, plan.count(WEIGHED))
        section.rows += [
            Row("memory of a kept event", f"{source}, not confirmed", before, "bytes"),
            Row("memory of a kept event", f"{source}, confirmed", after, "bytes"),
        ]
        # The requirement is on the documented result with eight renditions, which is what all others measure with.
        required = REQUIRED_BYTES if source == "cts-video" else None
        what = f"{source}: bytes kept / body ({body:,.0f} bytes) twice"
        section.ratios.append(Ratio(what, after / (2 * body), required, at_least=False))
    few, many = plan.count(FEW), plan.count(MANY)
    for question, (beside_few, beside_many) in _timed(few, many).items():
        section.rows += [
            Row(f"list: {question}", f"{few:,} events", 1000 * beside_few, "ms"),
            Row(f"list: {question}", f"{many:,} events", 1000 * beside_many, "ms"),
        ]
        what = f"list, {question}: beside {many:,} / {few:,}"
        section.ratios.append(Ratio(what, beside_many / beside_few, REQUIRED_TIME, at_least=False))
    section.notes.append(
        "Everything included: keys, indexes, deduplication mark, a pull queue's confirmation. Bodies without white space. "
        f"Lists: the first 50 events, in the process that asks; the median of {TIMES}."
    )
    return section


def _weighed(source: str, count: int) -> tuple[float, float, float]:
    """Bytes of a body, and of what is kept of it before and after it is confirmed."""
    with valkey() as store:
        service = _Service(store)
        # What there is once, however many events follow.
        service.record(source, islice(_fresh(source), GROUP))
        service.confirm_all()
        empty = store.used_memory()
        bodies = list(islice(_fresh(source), count))
        service.record(source, iter(bodies))
        full = store.used_memory()
        service.confirm_all()
        return sum(map(len, bodies)) / count, (full - empty) / count, (store.used_memory() - empty) / count


def _timed(few: int, many: int) -> dict[str, tuple[float, float]]:
    """Seconds that each list takes beside few and beside many events, asked for in turns."""
    with valkey() as small, valkey() as large:
        for store, count in ((small, few), (large, many)):
            _fill(store, count)
        lists = [Listing(store.client) for store in (small, large)]
        found = {}
        for question, asked in QUESTIONS.items():
            taken: tuple[list[float], list[float]] = ([], [])
            for _ in range(TIMES):
                for listing, seconds in zip(lists, taken, strict=True):
                    began = time.perf_counter()
                    listing.events(limit=50, **asked)
                    seconds.append(time.perf_counter() - began)
            found[question] = (statistics.median(taken[0]), statistics.median(taken[1]))
        return found


def _fill(store: Valkey, count: int) -> None:
    """So many events, all confirmed, and in their middle the rare ones."""
    say(f"  recording {count:,} events")
    service = _Service(store)
    bodies = load.bodies()
    first = count // 2
    for some, rare in ((first, _rare()), (count - first, iter(()))):
        # In turns, so that what is kept for pulling never adds up.
        for start in range(0, some, FEW):
            service.record("cts-video", islice(bodies, min(FEW, some - start)))
            service.confirm_all()
        service.record("cts-video", rare)
    store.wait_for_rewrite()


class _Service:
    """What records events and confirms them."""

    def __init__(self, store: Valkey) -> None:
        settings = read_settings(our_environment(store))
        self._inbox = Inbox(store.client)
        self._ingest = Ingest(settings, Celery(broker=store.url))
        self._queues = PullQueues(store.client, key=settings.seal_key, queues=len(settings.pull_queues))
        self._queue = settings.pull_queues[0]

    def record(self, source: str, bodies: Iterator[bytes]) -> None:
        """Records all of them as a worker does."""
        while group := [Callback(source, body) for body in islice(bodies, GROUP)]:
            self._ingest.run([self._inbox.append(group)])

    def confirm_all(self) -> None:
        """Pulls and confirms all there are."""
        while pulled := self._queues.pull(self._queue, "v3", by=SECRET_ID)[0]:
            self._queues.confirm(self._queue, [event.handle.decode() for event in pulled])
        self._queues.drop_finished()
        # What is unlinked is freed a moment later.
        time.sleep(0.5)


def _fresh(source: str) -> Iterator[bytes]:
    while True:
        yield json.dumps(json.loads(sample(source)), ensure_ascii=False, separators=(",", ":")).encode()


def _rare() -> Iterator[bytes]:
    for number in range(RARE):
        body = {"callback_type": "trans_result", "vid": f"the rare one {number}", "status": "fail", "detail": {}}
        yield json.dumps(body).encode()
