"""Consumers that empty a queue as fast as they can, and what a `pull_*.py` program looks like.

    pull_x.py fill     puts callbacks, one a line of standard input, into the queue
    pull_x.py drain N  takes everything out with N consumers, a process each, and prints
                       {"events": …, "seconds": …, "events_per_second": …}

Where to connect to is in SERVER_URL. A consumer connects first; then all start at once. The clock stops at
the last event that was confirmed, so waiting for an empty queue costs nobody anything.
"""

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable

#: where the server listens
URL = os.environ.get("SERVER_URL", "")

#: after how many events a consumer stops, though there may be more
LIMIT = int(os.environ.get("EVENTS", "0")) or sys.maxsize

#: Takes and confirms some events; how many, 0 once the queue is empty.
Take = Callable[[], int]


def main(fill: Callable[[Iterable[str]], None] | None, connect: Callable[[], Take]) -> None:
    """Runs what the command line says; `connect` is called in every consumer."""
    if sys.argv[1] == "fill" and fill is not None:
        fill(line.strip() for line in sys.stdin)
    else:
        sys.stdout.write(json.dumps(_drain(connect, int(sys.argv[2]))) + "\n")


def _drain(connect: Callable[[], Take], consumers: int) -> dict:
    start = multiprocessing.Barrier(consumers)
    results = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=_consume, args=(connect, start, results)) for _ in range(consumers)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    for error in (result for result in found if isinstance(result, str)):
        raise SystemExit(error)
    events = sum(events for events, _, _ in found)
    seconds = max(end for _, _, end in found) - min(begin for _, begin, _ in found)
    return {"events": events, "seconds": seconds, "events_per_second": events / seconds if events else 0}


def _consume(connect: Callable[[], Take], start, results) -> None:
    try:
        take = connect()
        start.wait(timeout=30)
        begin = end = time.monotonic()
        events = 0
        while events < LIMIT and (taken := take()):
            events += taken
            end = time.monotonic()
        results.put((events, begin, end))
    except Exception as error:
        start.abort()
        results.put(f"{type(error).__name__}: {error}")
