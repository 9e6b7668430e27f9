"""Documents to JSON text: UTF-8, without white space.

orjson takes a sixth of the time of the standard library's encoder, and encoding was a third of a worker's work. What it refuses
(half a surrogate pair, integers beyond 64 bits) the standard library writes.
"""

import json
from typing import Any

import orjson

_plain = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_sorted = json.JSONEncoder(separators=(",", ":"), allow_nan=False, sort_keys=True).encode


def encode(document: Any) -> bytes:
    """`document` as JSON. Raises TypeError or ValueError for what is none."""
    try:
        return orjson.dumps(document)
    except TypeError:
        return _plain(document).encode()


def encode_canonical(document: Any) -> bytes:
    """`document` as JSON with sorted keys: the same bytes for the same content, always."""
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return _sorted(document).encode()
