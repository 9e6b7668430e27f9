"""Events pulled and confirmed a second, through HTTP with 16 a call, against other queues.

Every contestant holds the same number of events and is emptied by the same number of consumer processes.
The peers' consumers leave bodies unparsed, which favours them: our answers have to be parsed for their
handles. beanstalkd and fauxqs keep their jobs in memory only; ours come out of Valkey with its append-only
file on.
"""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from tests.bench import install, load
from tests.bench.contestants import SECRET_ID, SECRET_KEY, our_web, our_workers, recorded
from tests.bench.end_to_end import drained
from tests.bench.plan import Plan
from tests.bench.report import Ratio, Row, Section, say
from tests.bench.servers import BenchError, free_port, output, program, running, valkey

EVENTS = 20_000

#: Consumer processes that pull at once.
CONSUMERS = (1, 4)

REQUIRED = {"fauxqs": 3, "beanstalkd": 1.5}

#: How ours are named: by the client that pulls.
PLAIN, SDK = "transcode-inbox, API 3.0", "transcode-inbox, API 3.0, vendor's SDK"
LEGACY = "transcode-inbox, legacy API"


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue: a server full of events, and the program in `peers/` that empties it."""

    name: str
    program: str
    #: a running server with so many events in it; its URL
    filled: Callable[[int], contextlib.AbstractContextManager[str]]


def pull(plan: Plan) -> Section:
    """Every queue, emptied by one consumer and by four."""
    queues = [
        Queue(LEGACY, "pull_ours_legacy.py", _ours),
        Queue(PLAIN, "pull_ours.py", _ours),
        Queue(SDK, "pull_ours_sdk.py", _ours),
        Queue("fauxqs, boto3", "pull_fauxqs.py", _fauxqs),
        Queue("fauxqs, plain client", "pull_fauxqs_plain.py", _fauxqs),
        Queue("beanstalkd, greenstalk", "pull_beanstalkd.py", _beanstalkd),
        Queue("bare XREADGROUP COUNT 16 + XACK", "pull_xreadgroup.py", _bare),
    ]
    count = plan.count(EVENTS)
    rates: dict[tuple[str, int], list[float]] = {}
    for number in range(plan.rounds):
        for consumers in CONSUMERS:
            for queue in queues:
                with queue.filled(count) as url:
                    rate = drain(queue.program, url, consumers, count)
                rates.setdefault((queue.name, consumers), []).append(rate)
                say(f"  round {number + 1}, {queue.name}, {_setting(consumers)}: {rate:,.0f}/s")
    best = {key: max(found) for key, found in rates.items()}
    section = Section(
        "Pulled and confirmed",
        [
            Row(name, _setting(consumers), best[name, consumers], "events/s", rounds=r)
            for (name, consumers), r in rates.items()
        ],
        notes=[
            f"{count:,} events each; {plan.rounds} rounds in turn, the best of each.",
            "16 events a call for ours, 10 for fauxqs (what SQS allows), 1 for beanstalkd.",
            "Only our consumers parse what they get. `API 3.0` and `legacy API` are the least possible clients, which sign.",
            "The required ratios are those of one consumer: four of them and three processes of ours share two cores.",
        ],
    )
    for consumers in CONSUMERS:
        compared = [
            (LEGACY, "fauxqs, boto3", REQUIRED["fauxqs"] if consumers == 1 else None),
            (LEGACY, "beanstalkd, greenstalk", REQUIRED["beanstalkd"] if consumers == 1 else None),
            (PLAIN, "fauxqs, boto3", None),
            (PLAIN, "beanstalkd, greenstalk", None),
            (SDK, "fauxqs, boto3", None),
            (LEGACY, "fauxqs, plain client", None),
            (LEGACY, "bare XREADGROUP COUNT 16 + XACK", None),
        ]
        for ours, peer, required in compared:
            what = f"{ours} / {peer}, {_setting(consumers)}"
            section.ratios.append(Ratio(what, best[ours, consumers] / best[peer, consumers], required))
    return section


def drain(name: str, url: str, consumers: int, count: int, *, limited: bool = False, **environment: str) -> float:
    """Events a second that `consumers` of the program take out: all `count`; or, where limited, about so many.

    Raises BenchError when an event is missing or comes twice.
    """
    if limited:
        environment["EVENTS"] = str(count // consumers)
    found = json.loads(_run(name, "drain", str(consumers), url=url, **environment))
    if found["events"] != count and not (limited and found["events"] >= count // consumers * consumers):
        raise BenchError(f"{name} got {found['events']:,} events of {count:,}.")
    return found["events_per_second"]


def _run(name: str, *arguments: str, url: str, given: bytes = b"", **environment: str) -> bytes:
    python = str(install.python_peers("flask") / "python")
    known = {"SERVER_URL": url, "SECRET_ID": SECRET_ID, "SECRET_KEY": SECRET_KEY} | environment
    return output([python, name, *arguments], known, install.PEERS, given)


def _fill(name: str, url: str, count: int) -> None:
    _run(name, "fill", url=url, given=b"\n".join(islice(load.bodies(), count)))


@contextlib.contextmanager
def _ours(count: int) -> Iterator[str]:
    with valkey() as store, our_web("gunicorn").serving(store) as url:
        load.post(url, count)
        with our_workers(store) as workers:
            drained(lambda: recorded(store), count, workers)
        yield url.removesuffix("/callbacks/cts-video")


@contextlib.contextmanager
def _fauxqs(count: int) -> Iterator[str]:
    port = free_port()
    environment = {"FAUXQS_PORT": str(port), "FAUXQS_LOGGER": "false"}
    command = [install.node_peers(), "node_modules/fauxqs/dist/cli.js"]
    with running(command, environment, port=port, directory=install.PEERS):
        url = f"http://127.0.0.1:{port}"
        _fill("pull_fauxqs.py", url, count)
        yield url


@contextlib.contextmanager
def _beanstalkd(count: int) -> Iterator[str]:
    port = free_port()
    with running([program("beanstalkd"), "-l", "127.0.0.1", "-p", str(port)], {}, port=port):
        url = f"beanstalk://127.0.0.1:{port}"
        _fill("pull_beanstalkd.py", url, count)
        yield url


@contextlib.contextmanager
def _bare(count: int) -> Iterator[str]:
    with valkey() as store:
        _fill("pull_xreadgroup.py", store.url, count)
        yield store.url


def _setting(consumers: int) -> str:
    return "1 consumer" if consumers == 1 else f"{consumers} consumers"
