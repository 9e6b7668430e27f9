"""Posting callbacks as a vendor does: which answers count, when it tries again, when it gives up."""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from app.cli.client import Client, NotReachableError

#: The header every vendor sends its JSON with.
HEADERS = {"Content-Type": "application/json"}


@dataclass(slots=True)
class Tally:
    """What became of the callbacks."""

    sent: int = 0
    acknowledged: int = 0
    retried: int = 0
    lost: int = 0
    #: What the last attempt that failed ran into.
    last_problem: str = ""

    def __str__(self) -> str:
        return f"sent {self.sent}, acknowledged {self.acknowledged}, retried {self.retried}, lost {self.lost}"


@dataclass(order=True, slots=True)
class _Waiting:
    due: float
    number: int
    attempt: int = field(compare=False)
    body: bytes = field(compare=False)


class Poster:
    """Posts callbacks one after another over one connection; those that failed wait for their turn meanwhile.

    `waits` are the seconds before each further attempt; anything but 2xx within the client's timeout counts
    as failed, and after the last attempt the callback is lost, as it is with the vendor.
    """

    def __init__(
        self,
        client: Client,
        path: str,
        *,
        waits: Sequence[float],
        on_problem: Callable[[str, float | None], None] = lambda problem, again_in: None,
        on_done: Callable[[], None] = lambda: None,
    ) -> None:
        self.tally = Tally()
        self._client = client
        self._path = path
        self._waits = waits
        self._on_problem = on_problem
        self._on_done = on_done
        self._waiting: list[_Waiting] = []

    def post_all(self, bodies: Iterator[bytes], *, rate: float | None = None) -> Tally:
        """Post every body, at most `rate` first attempts a second; returns when none waits any more."""
        began = time.monotonic()
        more = True
        while more or self._waiting:
            now = time.monotonic()
            fresh_due = began + self.tally.sent / rate if rate else now
            if self._waiting and (self._waiting[0].due <= now or not more):
                first = heapq.heappop(self._waiting)
                time.sleep(max(0.0, first.due - now))
                self._attempt(first)
            elif fresh_due > now:
                time.sleep(min([fresh_due, *(one.due for one in self._waiting[:1])]) - now)
            elif (body := next(bodies, None)) is not None:
                self.tally.sent += 1
                self._attempt(_Waiting(now, self.tally.sent, 0, body))
            else:
                more = False
        return self.tally

    def _attempt(self, one: _Waiting) -> None:
        if one.attempt:
            self.tally.retried += 1
        problem = self._post(one.body)
        if not problem:
            self.tally.acknowledged += 1
            self._on_done()
            return
        self.tally.last_problem = problem
        again_in = self._waits[one.attempt] if one.attempt < len(self._waits) else None
        self._on_problem(problem, again_in)
        if again_in is None:
            self.tally.lost += 1
            self._on_done()
        else:
            heapq.heappush(self._waiting, _Waiting(time.monotonic() + again_in, one.number, one.attempt + 1, one.body))

    def _post(self, body: bytes) -> str:
        """Post once; what went wrong, empty if nothing did."""
        try:
            answer = self._client.request("POST", self._path, body=body, headers=HEADERS)
        except NotReachableError as error:
            return error.message
        if answer.ok:
            return ""
        return answer.described()
