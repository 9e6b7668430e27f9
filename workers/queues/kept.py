"""One kept event, as it lies in the store: a line of words, then its document and body, made small. Written in
`record.lua`."""

import json
from typing import Any, NamedTuple

from schemas.reading import decode_raw
from workers.queues.compact import expanded


class Kept(NamedTuple):
    """An event as it is kept."""

    #: its place in ti:events
    entry: str
    #: the pull queues that were given a copy
    queues: list[str]
    #: the process that recorded it, `<host>:<pid>`
    by: str
    #: numbers of the renditions that are its own; None for all
    own: list[int] | None
    #: what became of it later, each note as its words
    notes: list[list[str]]
    #: the event as JSON, without `raw`
    document: bytes
    #: the callback as it came
    body: bytes

    @property
    def copy(self) -> str:
        """What the pull queues call it."""
        return f"{self.entry}.{json.loads(self.document)['id']}"

    @property
    def recorded(self) -> int:
        """When it was recorded, in milliseconds."""
        return int(self.entry.partition("-")[0])

    def note(self, what: str, queue: str) -> list[str]:
        """The rest of what is noted of a pull queue; empty for nothing."""
        return next((note[2:] for note in self.notes if note[:2] == [what, queue]), [])

    def event(self) -> dict[str, Any]:
        """The event as it leaves."""
        event: dict[str, Any] = json.loads(self.document)
        event["raw"] = decode_raw(event["source"], self.body)
        return event


def read_kept(value: bytes) -> Kept:
    """What is kept under `ti:event:<id>`."""
    line, _, compacted = value.partition(b"\n")
    _, entry, queues, _, by, own, *notes = line.decode().split(" ")
    return Kept(
        entry,
        queues.split(",") if queues != "-" else [],
        by,
        None if own == "*" else [int(number) for number in own.split(",") if number != "-"],
        [note.split("|") for note in notes],
        *expanded(compacted),
    )
