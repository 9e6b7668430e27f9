"""From the bytes of a callback to the JSON object in them, or to a sentence that says where they go wrong."""

import json
import math
import re
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

#: Levels of nesting; the documented callbacks have 7. Near the depth of Python's stack, what was read could
#: not be written again.
MAX_DEPTH = 100

Payload = dict[str, Any]
Place = dict[str, int | str]


class NotUnderstood(Exception):
    """A callback that cannot become an event.

    `reason` is one word for machines: `malformed_json` (no JSON we can decode), `unreadable` (no text at
    all), `invalid` (JSON, but not what the vendor documents) or `signature` (not proven to be the
    vendor's). `message` is a sentence for the operator that says what is wrong and where. `place` says the
    latter to programs, where it is known: `{"line", "column"}` in the body as it came, from 1, or
    `{"field"}`, the dotted path of the first field that is wrong.
    """

    def __init__(self, reason: str, message: str, place: Place | None = None) -> None:
        self.reason = reason
        self.message = _printable(message)
        self.place = place
        super().__init__(reason, self.message)

    def __str__(self) -> str:
        return self.message


class _Unusable(Exception):
    """A number JSON readers disagree about; raised from inside the decoder, where the position is not
    known.
    """

    def __init__(self, token: str) -> None:
        self.token = token


def _constant(token: str) -> NoReturn:
    raise _Unusable(token)


def _finite(token: str) -> float:
    number = float(token)
    if math.isinf(number):
        raise _Unusable(token)
    return number


_decode = json.JSONDecoder(parse_float=_finite, parse_constant=_constant).decode


def decode_json(body: bytes) -> Payload:
    """The JSON object in `body`, which may be UTF-8 (with or without a byte order mark), UTF-16 or UTF-32.

    Raises NotUnderstood: `unreadable` for bytes that are no text, `malformed_json` with line and column for
    text that is no JSON object, or holds what JSON has no room for: NaN, Infinity, numbers beyond any
    float, more than `MAX_DEPTH` levels.
    """
    text = _text(body)
    try:
        payload = _decode(text)
    except json.JSONDecodeError as error:
        raise _malformed(text, error.pos, _what(error.msg)) from None
    except _Unusable as error:
        raise _unusable(text, error.token) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        # Python refuses to convert integers of thousands of digits: that takes quadratic time.
        raise NotUnderstood("malformed_json", "a number has too many digits") from None
    if not isinstance(payload, dict):
        found = _json_type(payload)
        raise _malformed(text, 0, f"expecting an object, not {found}")
    # Brackets in strings count too; that only means looking closer, and rarely.
    if text.count("{") + text.count("[") > MAX_DEPTH and _deeper_than(MAX_DEPTH, payload):
        raise _too_deep()
    return payload


def decode_json_or_percent_encoded(body: bytes) -> Payload:
    """As `decode_json`, also for a body that was percent-encoded as a whole; there `+` is a space."""
    start = body.lstrip()[:2]
    if not (start[:1] == b"%" or start == b"{%"):
        return decode_json(body)
    decoded = unquote_to_bytes(body.replace(b"+", b" "))
    try:
        return decode_json(decoded)
    except NotUnderstood as error:
        # It is one in the decoded text, and nobody sees that.
        error.place = None
        raise


def _text(body: bytes) -> str:
    if not body.strip():
        raise NotUnderstood("malformed_json", "the body is empty")
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        name = re.sub(r"(-sig|-[bl]e)$", "", encoding).upper()
        before = body[: error.start].decode(encoding, "replace")
        place = _place(before, len(before))
        raise NotUnderstood("unreadable", f"byte {error.start + 1} is not {name}", place) from None


def _malformed(text: str, position: int, what: str) -> NotUnderstood:
    place = _place(text, position)
    return NotUnderstood("malformed_json", f"line {place['line']} column {place['column']}: {what}", place)


def _place(text: str, position: int) -> Place:
    return {"line": text.count("\n", 0, position) + 1, "column": position - text.rfind("\n", 0, position)}


def _what(message: str) -> str:
    message = message.replace(" delimiter", "").replace("Expecting value", "Expecting a value")
    return message[:1].lower() + message[1:].removesuffix(" at")


def _unusable(text: str, token: str) -> NotUnderstood:
    what = f"{token[:40]} is no number JSON can hold"
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[-+.\w]+', text):
        if match.group() == token:
            return _malformed(text, match.start(), what)
    return NotUnderstood("malformed_json", what)


def _too_deep() -> NotUnderstood:
    return NotUnderstood("malformed_json", f"nested more than {MAX_DEPTH} levels deep")


def _deeper_than(levels: int, payload: Payload) -> bool:
    containers: list[Any] = [payload]
    for _ in range(levels):
        containers = [
            inner
            for container in containers
            for inner in (container.values() if isinstance(container, dict) else container)
            if isinstance(inner, (dict, list))
        ]
    return bool(containers)


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    for python, name in ((bool, "true or false"), (str, "a string"), (list, "an array")):
        if isinstance(value, python):
            return name
    return "a number"


def _printable(message: str) -> str:
    """Senders' words may stand in a message, and must not break a terminal, a log line or an encoder."""
    if message.isprintable():
        return message
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
