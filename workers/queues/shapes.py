"""Shapes: what events have in common that people ask for, so that one index serves all of them.

Events of one source, type and status whose renditions have the same kinds and names are of one shape, and each shape
has an index of its own. A template gives all its events one shape, so there are few; a question is answered from the
indexes of those that fit it, and no other event is looked at. Each event costs one index entry, however many
renditions it has.

What a stranger chooses freely must not make shapes without end. So there are MOST shapes with names in them, and what
comes beyond those, or has names that are ids, is of a coarse shape, without names; its names refer to the event
instead, each for itself, as its task and media ids do. A coarse shape holds nothing but words that are in our own
documentation.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from schemas.encoding import encode
from schemas.event import TranscodeEvent
from schemas.pull.v3_names import VOD_EVENT_TYPES

#: Shapes with names in them, at most.
MOST = 500
#: Bytes of such a shape, at most.
MOST_BYTES = 1000
#: Names that refer to one event, at most; with more, all events of its coarse shape are looked at for a name.
MOST_NAMES = 64

#: Kinds and types that our documentation has a word for. `stream` is among the kinds, but its names are ids.
KINDS = frozenset({"video", "audio", "gif", "cover", "snapshot", "stream"})
TYPES = frozenset(
    {
        *("transcode.started", "transcode.updated", "transcode.stopped", "transcode.completed", "transcode.failed"),
        *("snapshot.completed", "snapshot.failed"),
        *(f"vod.{event_type}" for event_type in VOD_EVENT_TYPES),
    }
)
NAMED_BY_ID = frozenset({"stream"})

#: In the place of names: they refer to the event by themselves.
REFERRED = "referred"


class Shaped(NamedTuple):
    """An event's shape, as it stands in the catalogue."""

    #: with names; empty where it has none
    fine: bytes
    #: for where there is no room for another fine one
    coarse: bytes
    #: the names that refer to the event if its shape is the coarse one
    names: list[str]


def shape_of(event: TranscodeEvent) -> Shaped:
    """The shape of an event."""
    kinds = sorted({rendition["kind"] for rendition in event["renditions"]})
    names = sorted({rendition["name"] for rendition in event["renditions"]})
    return _shape(event["source"], event["type"], event["status"], tuple(kinds), tuple(names))


@lru_cache(maxsize=2 * MOST)
def _shape(source: str, event_type: str, status: str, kinds: tuple[str, ...], names: tuple[str, ...]) -> Shaped:
    start = [
        source,
        event_type if event_type in TYPES else None,
        status,
        list(kinds) if KINDS.issuperset(kinds) else None,
    ]
    referred = len(names) <= MOST_NAMES
    coarse = encode([*start, (REFERRED if referred else None) if names else []])
    fine = b""
    if names and None not in start and NAMED_BY_ID.isdisjoint(kinds):
        fine = encode([*start, list(names)])
    return Shaped(fine if len(fine) <= MOST_BYTES else b"", coarse, list(names) if referred else [])


class Fitting(NamedTuple):
    """Which indexes have all events that fit a question."""

    #: numbers of shapes
    numbers: list[str]
    #: whether the name asked for may also refer to some
    by_name: bool


def fitting(shapes: Mapping[bytes, bytes], wanted: Mapping[str, Any]) -> Fitting:
    """Those of `shapes` (number -> shape) that may hold events with what is `wanted`: source, type, status, kind,
    name."""
    name = wanted.get("name")
    numbers = []
    for number, text in shapes.items():
        source, event_type, status, kinds, names = _read(text)
        if (
            _fits(wanted.get("source"), (source,))
            and _fits(wanted.get("type"), None if event_type is None else (event_type,))
            and _fits(wanted.get("status"), (status,))
            and _fits(wanted.get("kind"), kinds)
            and (names != REFERRED or name is None)
            and _fits(name, None if names == REFERRED else names)
        ):
            numbers.append(number.decode())
    return Fitting(numbers, name is not None)


def _fits(wanted: Any, held: Iterable[str] | None) -> bool:
    return wanted is None or held is None or wanted in held


@lru_cache(maxsize=2 * MOST)
def _read(text: bytes) -> tuple[Any, ...]:
    return tuple(json.loads(text))
