"""JSON lines that somebody sends: each object checked, and the first that is wrong named by its line."""

from typing import Any

import orjson
from marshmallow import Schema, ValidationError

from app.api.calls import BadBody
from schemas.problems import sentence

NEWLINE = b"\n"


def read_lines(schema: type[Schema], data: bytes, *, most: int) -> list[Any]:
    """What `schema` loads of every object in `data`: JSON lines, or one JSON array, or one object. Raises BadBody."""
    numbered = _objects(data)
    if not numbered:
        raise BadBody("The body must hold at least one JSON object.")
    if len(numbered) > most:
        raise BadBody(f"The body holds {len(numbered)} objects; {most} may come at once.")
    shape = schema()
    return [_load(shape, where, given) for where, given in numbered]


def _load(shape: Schema, where: str, given: Any) -> Any:
    if not isinstance(given, dict):
        raise BadBody(f"{where}: it must be a JSON object.")
    try:
        return shape.load(given)
    except ValidationError as error:
        raise BadBody(f"{where}: {sentence(error.messages)}.") from None


def _objects(data: bytes) -> list[tuple[str, Any]]:
    """Every value, and where it stands."""
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        lines = [(f"Line {number}", line) for number, line in enumerate(data.split(NEWLINE), 1) if line.strip()]
        return [(where, _parse(where, line)) for where, line in lines]
    if isinstance(whole, list):
        return [(f"Object {number}", one) for number, one in enumerate(whole, 1)]
    before = data[: len(data) - len(data.lstrip())]
    return [(f"Line {before.count(NEWLINE) + 1}", whole)]


def _parse(where: str, line: bytes) -> Any:
    try:
        # orjson takes no half characters, which the store could not keep.
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BadBody(f"{where} must be JSON: {error}.") from None
