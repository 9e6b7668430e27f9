"""What both pull generations call the same: event types, error codes, definitions, and the file a client
would show.
"""

import re

from schemas.event import EventError, Input, Rendition, TranscodeEvent

#: "System failure or unknown failure", VOD's code for a failure that names no reason.
UNKNOWN_FAILURE = 30010

#: Our event types (CONTRACT: One event) in VOD's words.
_EVENT_TYPES = {
    "transcode.completed": "TranscodeComplete",
    "transcode.failed": "TranscodeComplete",
    "transcode.started": "ProcedureStateChanged",
    "transcode.updated": "ProcedureStateChanged",
    "transcode.stopped": "ProcedureStateChanged",
    "snapshot.completed": "CreateSnapshotByTimeOffsetComplete",
    "snapshot.failed": "CreateSnapshotByTimeOffsetComplete",
}

#: Kinds that are pictures: nothing to play, so no part of a play set. Gifs, too: a player would offer them
#: as a quality.
_PICTURES = frozenset({"cover", "gif", "snapshot"})

_DEFINITION = re.compile(r"f([0-9]{1,9})")


def pull_event_type(event_type: str) -> str:
    """VOD's `eventType` for one of our event types. Raises KeyError for `vod.*`: it has its own."""
    return _EVENT_TYPES[event_type]


def error_code(event: TranscodeEvent) -> int:
    """0 unless the event failed; then the first code that is a number and not 0, or 30010 where there is
    none.

    0 would read as a success.
    """
    if event["status"] != "failed":
        return 0
    for error in event["errors"]:
        if isinstance(error["code"], int) and error["code"]:
            return error["code"]
    return UNKNOWN_FAILURE


def message(errors: list[EventError]) -> str:
    """All that the vendor says of the errors, "; " between them; "" if nothing."""
    return "; ".join(error["message"] for error in errors if error["message"])


def definition(name: str) -> int:
    """The template number in a rendition's name, 10 for `f10`; 0 where there is none."""
    match = _DEFINITION.fullmatch(name)
    return int(match[1]) if match else 0


def is_playable(rendition: Rendition) -> bool:
    """Whether a player can play it: it is no picture."""
    return rendition["kind"] not in _PICTURES


def cover_url(renditions: list[Rendition]) -> str | None:
    """The first picture of the first cover."""
    for rendition in renditions:
        if rendition["kind"] == "cover" and rendition["urls"]:
            return rendition["urls"][0]
    return None


def first_url(rendition: Rendition) -> str | None:
    """The rendition's URL; of several, the first."""
    return rendition["urls"][0] if rendition["urls"] else None


def file_name(source: Input | None) -> str | None:
    """The last part of the input's path."""
    return (source["path"] or "").rpartition("/")[2] or None if source else None


def kilobits(bits: int | None) -> int | None:
    """kbps, from bit/s."""
    return None if bits is None else round(bits / 1000)
