"""Which dead letters a filter means, in order, without looking at those it does not mean. Keys: see `dead_letter.lua`.

There are two orders: of arrival, by number; and of receipt, where times of receipt are asked for.
"""

import heapq
from collections.abc import Callable
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple, TypedDict

from workers.queues.listing import BadCursor
from workers.store import Store

#: The reason of what was understood, but could not be delivered to a subscription.
UNDELIVERABLE = "undeliverable"
#: The two sorts of dead letters.
CALLBACK, DELIVERY = "callback", "delivery"


class Wanted(TypedDict, total=False):
    """A filter: letters that match everything given; None is not given."""

    source: str | None
    reason: str | None
    #: `callback` or `delivery`
    sort: str | None
    #: the id of a subscription
    subscription: str | None
    #: milliseconds since the epoch: received then or later
    since: int | None
    #: milliseconds since the epoch: received then or earlier
    until: int | None


class Place(NamedTuple):
    """Where a letter is in the order: (number,), or (received, number)."""

    order: tuple[int, ...]
    id: str

    @property
    def number(self) -> int:
        """Letters are numbered as they arrive; one that comes back has a new number."""
        return self.order[-1]


class Parts:
    """What a filter means in one store, at one moment."""

    def __init__(self, client: Store, wanted: Wanted) -> None:
        self._client = client
        self._since, self._until = wanted.get("since"), wanted.get("until")
        self._by_receipt = self._since is not None or self._until is not None
        self._keys = self._find(wanted)

    def _find(self, wanted: Wanted) -> list[str]:
        source, reason, sort = wanted.get("source"), wanted.get("reason"), wanted.get("sort")
        subscription = wanted.get("subscription")
        if not self._by_receipt and not any((source, reason, sort, subscription)):
            return ["ti:dead"]
        prefix = "ti:dead_received:" if self._by_receipt else "ti:dead_by:"
        keys = []
        for part in self._client.smembers("ti:dead_parts"):
            its_reason, _, its_source = part.decode().partition("/")
            its_sort = DELIVERY if its_reason == UNDELIVERABLE else CALLBACK
            if source in (None, its_source) and reason in (None, its_reason) and sort in (None, its_sort):
                if subscription is None:
                    keys.append(prefix + part.decode())
                elif its_sort == DELIVERY:
                    keys.append(f"{prefix}{subscription}/{its_source}")
        return keys

    def position(self, cursor: str) -> tuple[int, ...]:
        """The order that a cursor names. Raises BadCursor."""
        order = cursor.split("-")
        if len(order) != (2 if self._by_receipt else 1) or not all(n.isascii() and n.isdigit() for n in order):
            raise BadCursor(f"{cursor[:40]!r} is no cursor of this list")
        return tuple(int(n[:20]) for n in order)

    def newest(self, limit: int, *, before: tuple[int, ...] | None = None) -> list[Place]:
        """At most `limit` letters, newest first, from behind `before` on."""
        if self._by_receipt:
            latest = f"({_lex(before)}" if before else self._lex_end()
            found = self._each(lambda pipe, key: pipe.zrevrangebylex(key, latest, self._lex_begin(), 0, limit))
        else:
            latest = f"({before[0]}" if before else "+inf"
            found = self._each(lambda pipe, key: pipe.zrevrangebyscore(key, latest, "-inf", 0, limit, withscores=True))
        return list(islice(heapq.merge(*found, key=itemgetter(0), reverse=True), limit))

    def oldest(self, limit: int, *, after: tuple[int, ...] | None, up_to: int) -> list[Place]:
        """At most `limit` letters, oldest first, from behind `after` on, of those with a number of at most `up_to`."""
        some: list[Place] = []
        while len(some) < limit:
            step = limit - len(some)
            found = self._oldest(step, after, up_to)
            some += [place for place in found if place.number <= up_to]
            if len(found) < step:
                break
            after = found[-1].order
        return some

    def _oldest(self, limit: int, after: tuple[int, ...] | None, up_to: int) -> list[Place]:
        """In order of receipt also such as have come since `up_to`."""
        if self._by_receipt:
            # Whatever begins with the place and a dot comes before the place and a slash.
            earliest = f"({_lex(after)}/" if after else self._lex_begin()
            found = self._each(lambda pipe, key: pipe.zrangebylex(key, earliest, self._lex_end(), 0, limit))
        else:
            earliest = f"({after[0]}" if after else "-inf"
            found = self._each(lambda pipe, key: pipe.zrangebyscore(key, earliest, up_to, 0, limit, withscores=True))
        return list(islice(heapq.merge(*found, key=itemgetter(0)), limit))

    def count(self, *, after: tuple[int, ...] | None = None, up_to: int | None = None) -> int:
        """How many letters: in order of receipt also such as have come since `up_to`."""
        with self._client.pipeline(transaction=False) as pipe:
            for key in self._keys:
                if self._by_receipt:
                    pipe.zlexcount(key, f"({_lex(after)}/" if after else self._lex_begin(), self._lex_end())
                else:
                    pipe.zcount(key, f"({after[0]}" if after else "-inf", "+inf" if up_to is None else up_to)
            return sum(pipe.execute())

    def _lex_begin(self) -> str:
        return "-" if self._since is None else f"[{self._since:015d}"

    def _lex_end(self) -> str:
        return "+" if self._until is None else f"({self._until + 1:015d}"

    def _each(self, ask: Callable[[Any, str], object]) -> list[list[Place]]:
        """What each part answers when it is asked for a range."""
        with self._client.pipeline(transaction=False) as pipe:
            for key in self._keys:
                ask(pipe, key)
            answers = pipe.execute()
        if self._by_receipt:
            return [[_read_lex(member) for member in members] for members in answers]
        return [[Place((int(score),), member.decode()) for member, score in answer] for answer in answers]


def _lex(order: tuple[int, ...]) -> str:
    return f"{order[0]:015d}.{order[1]:012d}"


def _read_lex(member: bytes) -> Place:
    received, number, letter_id = member.decode().split(".", 2)
    return Place((int(received), int(number)), letter_id)
