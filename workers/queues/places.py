"""Places in the history: entries of ti:events, found by the indexes, newest first, from several at once.

Every index holds entries of ti:events under the same ids, so what one index gives can be merged with what others
give, and a place means the same in each of them. Nothing is read that lies before the place to begin at, and of each
index only as much as is asked for: so a list costs what it shows, however long the history is.
"""

import heapq
import itertools
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

from workers.store import Store

#: Entries read at first from each index, and at most in one step.
FIRST, STEP = 16, 500

#: Numbers beyond these the store does not take.
_ENTRY = re.compile(r"([0-9]{1,15})-([0-9]{1,15})", re.ASCII)


class Place(NamedTuple):
    """An entry of ti:events. Later ones are greater."""

    milliseconds: int
    sequence: int

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The place that is written so, or None."""
        parts = _ENTRY.fullmatch(text)
        return cls(int(parts[1]), int(parts[2])) if parts else None

    def __str__(self) -> str:
        return f"{self.milliseconds}-{self.sequence}"

    @property
    def score(self) -> int:
        """As a reference has it (record.lua); not all places have one of their own."""
        return self.milliseconds * 4096 + min(self.sequence, 4095)


#: Before and behind everything.
BEGINNING, END = Place(0, 0), Place(10**15 - 1, 0)


class Index:
    """A stream with entries of ti:events, or ti:events itself."""

    def __init__(self, key: str) -> None:
        self._key = key

    def ask(self, pipe: Any, newest: Place, oldest: Place, count: int) -> None:
        """Asks for entries from `newest` to `oldest`, both included, newest first."""
        pipe.xrevrange(self._key, str(newest), str(oldest), count)

    def read(self, answer: Any, newest: Place, oldest: Place) -> list[Place]:
        """The places in the answer."""
        return [_place(entry) for entry, _ in answer]


class Reference:
    """A sorted set with entries of ti:events."""

    def __init__(self, key: str) -> None:
        self._key = key

    def ask(self, pipe: Any, newest: Place, oldest: Place, count: int) -> None:
        """Asks for entries from `newest` to `oldest`, both included, newest first; perhaps also for some around them."""
        pipe.zrevrangebyscore(self._key, newest.score, oldest.score, 0, count)

    def read(self, answer: Any, newest: Place, oldest: Place) -> list[Place]:
        """The places in the answer."""
        return [place for place in sorted(map(_place, answer), reverse=True) if oldest <= place <= newest]


class Single:
    """One place that is known already."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def ask(self, pipe: Any, newest: Place, oldest: Place, count: int) -> None:
        """Asks whether it is there still."""
        pipe.xrange("ti:events", str(self._place), str(self._place))

    def read(self, answer: Any, newest: Place, oldest: Place) -> list[Place]:
        """The place, if it is between the two."""
        return [_place(entry) for entry, _ in answer if oldest <= self._place <= newest]


#: Whatever has places.
Source = Index | Reference | Single


def merged(client: Store, sources: Sequence[Source], newest: Place, oldest: Place) -> Iterator[Place]:
    """All places from `newest` to `oldest` that any of the sources has, each once, newest first."""
    readers = [_Reader(client, source, newest, oldest) for source in sources]
    if not readers:
        return
    with client.pipeline(transaction=False) as pipe:
        for reader in readers:
            reader.ask(pipe)
        for reader, answer in zip(readers, pipe.execute(), strict=True):
            reader.take(answer)
    for place, _ in itertools.groupby(heapq.merge(*readers, reverse=True)):
        yield place


class _Reader:
    """Reads one source, in steps that grow."""

    def __init__(self, client: Store, source: Source, newest: Place, oldest: Place) -> None:
        self._client, self._source = client, source
        self._newest, self._oldest = newest, oldest
        self._count = FIRST
        self._places: deque[Place] = deque()
        self._ended = False

    def ask(self, pipe: Any) -> None:
        self._source.ask(pipe, self._newest, self._oldest, self._count)

    def take(self, answer: Any) -> None:
        found = self._source.read(answer, self._newest, self._oldest)
        self._ended = len(answer) < self._count
        self._places.extend(found)
        # A step that brought nothing new, because many entries have one score, is not taken again as it was.
        self._count = min(2 * self._count, STEP) if found else 2 * self._count
        if found:
            self._newest = before(found[-1])

    def __iter__(self) -> Iterator[Place]:
        while True:
            while self._places:
                yield self._places.popleft()
            if self._ended:
                return
            with self._client.pipeline(transaction=False) as pipe:
                self.ask(pipe)
                self.take(pipe.execute()[0])


def _place(entry: bytes) -> Place:
    milliseconds, _, sequence = entry.partition(b"-")
    return Place(int(milliseconds), int(sequence))


def before(place: Place) -> Place:
    """The last place that is before this one."""
    return (
        Place(place.milliseconds, place.sequence - 1) if place.sequence else Place(place.milliseconds - 1, 10**15 - 1)
    )
