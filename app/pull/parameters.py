"""Parameters as a query string or a form carries them, byte for byte."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from app.pull.refused import Reason, Refused


def read_parameters(raw: bytes) -> dict[str, str]:
    """The parameters in a query string or an `application/x-www-form-urlencoded` body; empty values are kept.

    Bytes that are no UTF-8 become lone surrogates, so that `to_bytes` gives back exactly what came, and a signature is checked
    over that. Raises Refused for a name that comes twice: the two halves of one request must not mean different things to
    whoever checks the signature and to whoever acts on it.
    """
    parameters: dict[str, str] = {}
    for pair in raw.split(b"&"):
        if not pair:
            continue
        encoded_name, _, encoded_value = pair.partition(b"=")
        name, value = _decode(encoded_name), _decode(encoded_value)
        if name in parameters:
            raise Refused(Reason.UNREADABLE, f"the parameter {printable(name)} is given twice")
        parameters[name] = value
    return parameters


def to_bytes(text: str) -> bytes:
    """The bytes that `text` was read from."""
    return text.encode("utf-8", "surrogateescape")


def printable(text: str) -> str:
    """`text` for an error message: at most 200 characters, all of which any JSON reader accepts."""
    return text[:200].encode("utf-8", "replace").decode()


def numbered(parameters: Mapping[str, str], name: str) -> list[str]:
    """The values of `name.0`, `name.1`, … in the order of their numbers, which may begin anywhere.

    The vendor's pages show `name.0`, `name.1` first and `name_0`, and its SDKs have used each.
    """
    pattern = re.compile(rf"{name}[._]?([0-9]{{1,6}})", re.IGNORECASE)
    found = [(int(match[1]), value) for key, value in parameters.items() if (match := pattern.fullmatch(key))]
    return [value for _, value in sorted(found)]


def _decode(part: bytes) -> str:
    if b"%" not in part and b"+" not in part:
        return part.decode("utf-8", "surrogateescape")
    return unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8", "surrogateescape")
