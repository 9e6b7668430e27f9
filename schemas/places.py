"""Where in a body a place is: the characters to mark for whoever has to mend it."""

import json
import re
from collections.abc import Iterator, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in its stubs

_WHITE = re.compile(r"[ \t\n\r]*")
_skip_value = json.JSONDecoder().raw_decode


def span_of(raw: str, place: Mapping[str, int | str]) -> tuple[int, int] | None:
    """Where the marked characters begin, and where they end, for a `place` as `NotUnderstood` has it.

    A line and column are one character, or none at the end of the text. A field is its value; where it is missing, the
    bracket that opens what it is missing from. None where the text has no such place.
    """
    field = place.get("field")
    try:
        return _span_of_field(raw, str(field)) if field is not None else _span_of_position(raw, place)
    except (ValueError, KeyError, IndexError, RecursionError):
        return None


def _span_of_position(raw: str, place: Mapping[str, int | str]) -> tuple[int, int] | None:
    line, column = int(place["line"]), int(place["column"])
    start = 0
    for _ in range(line - 1):
        start = raw.index("\n", start) + 1
    start += column - 1
    return (start, min(start + 1, len(raw))) if start <= len(raw) else None


def _span_of_field(raw: str, path: str) -> tuple[int, int]:
    start = _after_white(raw, 0)
    end = start + 1
    for name in path.split("."):
        found = None
        # The last of several members of one name is the one that counts.
        for member, value_start, value_end in _members(raw, start):
            if member == name:
                found = value_start, value_end
        if found is None:
            return start, start + 1
        start, end = found
    return start, end


def _members(raw: str, start: int) -> Iterator[tuple[str, int, int]]:
    """The name of each member of the object, or number of each item of the list, that begins there, and its value's span."""
    is_object = raw[start] == "{"
    if not is_object and raw[start] != "[":
        return
    position, number = _after_white(raw, start + 1), 0
    while raw[position] not in "]}":
        name = str(number)
        if is_object:
            name, position = scanstring(raw, position + 1)
            position = _after_white(raw, _after_white(raw, position) + 1)
        _, end = _skip_value(raw, position)
        yield name, position, end
        position, number = _after_white(raw, end), number + 1
        if raw[position] == ",":
            position = _after_white(raw, position + 1)


def _after_white(raw: str, position: int) -> int:
    match = _WHITE.match(raw, position)
    return match.end() if match else position
