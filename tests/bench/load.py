"""The load: wrk for how much, and two senders for what wrk cannot do, an exact number and an exact rate."""

import asyncio
import contextlib
import json
import math
import os
import secrets
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.servers import BenchError, program

HERE = Path(__file__).parent
BODY = HERE / "cts_video.json"

#: Threads of wrk, at most.
THREADS = 2


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk saw. Latencies in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float
    #: answers other than 2xx and 3xx
    bad_status: int
    #: requests that had no answer: refused, cut, or timed out
    broken: int


def wrk(url: str, connections: int, seconds: float) -> Load:
    """Posts as fast as `connections` allow, every callback a different one."""
    run = secrets.token_hex(4)
    command = [
        program("wrk"),
        "-t",
        str(min(THREADS, connections)),
        "-c",
        str(connections),
        "-d",
        f"{max(1, round(seconds))}s",
    ]
    command += ["-s", str(HERE / "callbacks.lua"), "--timeout", "10s", url, "--", str(BODY), run]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise BenchError(f"wrk failed: {finished.stderr.strip() or finished.stdout.strip()}")
    seen = json.loads(finished.stdout.strip().splitlines()[-1])
    return Load(
        requests=seen["requests"],
        per_second=seen["requests"] / (seen["microseconds"] / 1e6),
        p50=seen["p50"] / 1e3,
        p99=seen["p99"] / 1e3,
        bad_status=seen["bad_status"],
        broken=seen["broken"],
    )


def bodies() -> Iterator[bytes]:
    """The documented body, without end, each with a `vid` of its own."""
    document = BODY.read_text().strip()
    vid = json.loads(document)["vid"]
    before, after = document.split(vid, 1)
    run = secrets.token_hex(5)
    number = 0
    while True:
        yield f"{before}{run}{number:0{len(vid) - len(run)}x}{after}".encode()
        number += 1


def post(url: str, count: int, connections: int = 64) -> None:
    """Posts exactly `count` callbacks, fast; raises BenchError unless each is answered with 200."""
    refused = asyncio.run(_post(url, count, connections))
    if refused:
        raise BenchError(f"{refused} of {count} callbacks were not acknowledged with 200.")


@dataclass(frozen=True, slots=True)
class Paced:
    """What the constant-rate sender saw. Times in milliseconds."""

    requests: int
    refused: int
    p50: float
    p99: float
    worst: float
    #: how late the sender itself was, 99th percentile
    sender_p99: float


def post_at_rate(url: str, per_second: int, seconds: float) -> Paced:
    """Posts at a constant rate whether or not answers come: a server that stalls is charged for every
    callback that waits.

    Latency runs from the moment the request was written. Whatever delays the sender itself (it shares the
    machine with all the rest) is told apart in `sender_p99`; where that is allowed, the sender runs at a
    higher priority, as though it sat on a machine of its own.
    """
    with _higher_priority():
        latencies, lags, refused = asyncio.run(_post_at_rate(url, per_second, seconds))
    return Paced(
        requests=len(latencies),
        refused=refused,
        p50=percentile(latencies, 50) * 1e3,
        p99=percentile(latencies, 99) * 1e3,
        worst=max(latencies) * 1e3,
        sender_p99=percentile(lags, 99) * 1e3,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


class _Connection(asyncio.Protocol):
    """A kept-alive connection with one request under way at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end]).lower()
        _, _, length = head.partition(b"content-length:")
        if len(self._received) >= end + 4 + int(length.split(b"\r\n", 1)[0]):
            self._received.clear()
            self._finish(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        self._finish(0)

    def send(self, request: bytes) -> "asyncio.Future[int]":
        """The status of the answer, 0 where the connection broke."""
        self._answer = asyncio.get_running_loop().create_future()
        if self.transport.is_closing():
            self._finish(0)
        else:
            self.transport.write(request)
        return self._answer

    def _finish(self, status: int) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(status)


async def _connect(url: str) -> _Connection:
    parts = urlsplit(url)
    _, connection = await asyncio.get_running_loop().create_connection(_Connection, parts.hostname, parts.port)
    return connection


def _requests(url: str) -> Iterator[bytes]:
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
    for body in bodies():
        yield f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _post(url: str, count: int, connections: int) -> int:
    requests = _requests(url)
    left = count
    refused = 0

    async def post_some() -> None:
        nonlocal left, refused
        connection = await _connect(url)
        while left > 0:
            left -= 1
            refused += await connection.send(next(requests)) != 200
        connection.transport.close()

    await asyncio.gather(*(post_some() for _ in range(min(connections, count))))
    return refused


async def _post_at_rate(url: str, per_second: int, seconds: float) -> tuple[list[float], list[float], int]:
    requests = _requests(url)
    idle = deque([await _connect(url) for _ in range(64)])
    latencies: list[float] = []
    lags: list[float] = []
    under_way: set[asyncio.Task[None]] = set()
    refused = 0

    async def post_one(request: bytes) -> None:
        nonlocal refused
        connection = idle.pop() if idle else await _connect(url)
        sent = time.perf_counter()
        refused += await connection.send(request) != 200
        latencies.append(time.perf_counter() - sent)
        idle.append(connection)

    start = time.perf_counter()
    for number in range(int(per_second * seconds)):
        due = start + number / per_second
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        lags.append(time.perf_counter() - due)
        task = asyncio.create_task(post_one(next(requests)))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    if under_way:
        await asyncio.wait(under_way, timeout=30)
    for connection in idle:
        connection.transport.close()
    return latencies, lags, refused + len(under_way)


@contextlib.contextmanager
def _higher_priority() -> Iterator[None]:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, before - 10)
        yield
    finally:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, before)
