"""Who takes part: how each web is started, and where what it acknowledged can be counted afterwards.

All get the same number of web processes, the same store, and answer `POST /callbacks/cts-video`. Settings
that are not here are each program's own defaults. gunicorn runs its C parser for everyone, and access logs
are off for everyone.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import redis

from tests.bench import install
from tests.bench.servers import SCRATCH, Server, Valkey, free_port, running

#: Web processes of every contestant.
PROCESSES = 2

SECRET_ID, SECRET_KEY = "bench-id", "bench-key"

#: Where our accepted callbacks and our events are, see DESIGN and `workers/queues`.
INBOX, EVENTS = "ti:inbox", "ti:events"

Landed = Callable[[redis.Redis], int]
Command = Callable[[int], list[str]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """One web that acknowledges callbacks."""

    name: str
    #: the command line, for a port
    command: Command
    #: how many callbacks its store holds; None where it stores none
    landed: Landed | None
    #: `gunicorn`, `granian`, or the server it always runs on
    server: str
    ours: bool = False
    #: `flask`, `arq` or `node`: what has to be installed
    environment: str = "flask"

    @property
    def label(self) -> str:
        """As it is shown in tables."""
        return f"{self.name}, {self.server}"

    @contextlib.contextmanager
    def serving(self, store: Valkey) -> Iterator[str]:
        """The web, running on `store`; the URL to post cts-video callbacks to."""
        port = free_port()
        environment = our_environment(store) | {"PORT": str(port), "WEB_SERVER": self.server}
        directory = None if self.ours else install.PEERS
        with running(self.command(port), environment, port=port, **({"directory": directory} if directory else {})):
            yield f"http://127.0.0.1:{port}/callbacks/cts-video"


def our_environment(store: Valkey) -> dict[str, str]:
    """What our processes need to know; peers read REDIS_URL, PORT and WEB_CONCURRENCY of it."""
    return {
        "REDIS_URL": store.url,
        "BROKER_URL": store.url,
        "WEB_CONCURRENCY": str(PROCESSES),
        "API_TOKEN": "bench-token",
        "PULL_CREDENTIALS": f"{SECRET_ID}:{SECRET_KEY}",
        "DATA_DIR": str(SCRATCH / "data"),
    }


def our_web(server: str) -> Contestant:
    """Our own ingress, by its deploy command."""
    return Contestant("transcode-inbox", lambda port: [sys.executable, "-m", "app.web"], _in_inbox, server, ours=True)


@contextlib.contextmanager
def our_workers(store: Valkey, processes: int = 2) -> Iterator[list[Server]]:
    """Workers and the clock, by their deploy commands; the workers."""
    with contextlib.ExitStack() as stack:
        environment = our_environment(store)
        workers = [
            stack.enter_context(running([sys.executable, "-m", "workers.worker"], environment))
            for _ in range(processes)
        ]
        stack.enter_context(running([sys.executable, "-m", "workers.clock"], environment))
        yield workers


def flask(name: str, module: str, server: str, landed: Landed | None, threads: int | None = None) -> Contestant:
    """A Flask application out of `peers/`, on gunicorn's gevent workers or on granian."""

    def command(port: int) -> list[str]:
        programs = install.python_peers("flask")
        workers = str(PROCESSES)
        if server == "gunicorn":
            options = ["--worker-class", "gevent", "--workers", workers, "--bind", f"127.0.0.1:{port}"]
        else:
            options = [
                "--interface",
                "wsgi",
                "--workers",
                workers,
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
            ]
            options += ["--blocking-threads", str(threads)] if threads else []
        return [str(programs / server), *options, f"{module}:app"]

    return Contestant(name, command, landed, f"{server} --blocking-threads {threads}" if threads else server)


def _uvicorn(port: int) -> list[str]:
    options = ["--workers", str(PROCESSES), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    return [str(install.python_peers("arq") / "uvicorn"), *options, "--port", str(port), "fastapi_arq:app"]


def _fastify(port: int) -> list[str]:
    return [install.node_peers(), "fastify_bullmq.js"]


def flask_celery(server: str, threads: int | None = None) -> Contestant:
    """One Celery `delay()` a request."""
    return flask("Flask + Celery delay", "flask_celery", server, lambda store: int(store.llen("celery")), threads)


def flask_empty(server: str, threads: int | None = None) -> Contestant:
    """Flask by itself, without any store."""
    return flask("empty Flask view", "flask_empty", server, None, threads)


def flask_xadd(server: str) -> Contestant:
    """One XADD a request."""
    return flask("Flask + one XADD", "flask_xadd", server, lambda store: int(store.xlen("callbacks")))


#: granian starts as many threads as it takes requests at once. They fight over the interpreter; these are
#: the numbers with which each does best (measured on two cores: empty view 11,000/s by default, 17,000/s
#: with 4; Celery 1,900/s and 2,450/s with 1).
TUNED = (flask_celery("granian", threads=1), flask_empty("granian", threads=4))

FASTAPI_ARQ = Contestant(
    "FastAPI + arq", _uvicorn, lambda store: int(store.zcard("arq:queue")), "uvicorn", environment="arq"
)

FASTIFY_BULLMQ = Contestant(
    "Fastify + BullMQ",
    _fastify,
    lambda store: int(store.llen("bull:callbacks:wait")),
    "node",
    environment="node",
)


def _in_inbox(store: redis.Redis) -> int:
    """How many callbacks wait in the inbox: an entry holds a group of them, a field each."""
    script = """
        local entries, total = redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', 200), 0
        for _, entry in ipairs(entries) do total = total + #entry[2] / 2 end
        return {total, #entries > 0 and '(' .. entries[#entries][1] or ''}"""
    total, start = 0, b"-"
    while start:
        held, start = store.eval(script, 1, INBOX, start)
        total += held
    return total


def waiting(store: Valkey) -> int:
    """Our callbacks that no worker has finished."""
    return _in_inbox(store.client)


def recorded(store: Valkey) -> int:
    """Our events that can be pulled."""
    return int(store.client.xlen(EVENTS))


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
