"""The callbacks on the vendors' own pages, with the pages' typos corrected: to send, to test with, to learn
from.
"""

import json
from functools import cache
from importlib.resources import files

from schemas.sources import SOURCES


def sample(source: str, *, fresh: bool = True, zego_secret: str | None = None) -> bytes:
    """The documented callback of `source` (a key of SOURCES), as JSON to read.

    `fresh` gives it new random ids, and where the source signs, a new timestamp and nonce: so it is a new
    event. With `zego_secret`, a source that signs gets its right signature too. With neither it is the
    packaged file itself. Raises KeyError for an unknown source.
    """
    known = SOURCES[source]
    body = packaged(source)
    signs = zego_secret is not None and known.sign is not None
    if not fresh and not signs:
        return body
    payload = json.loads(body)
    if fresh:
        known.freshen(payload)
    if zego_secret is not None and known.sign is not None:
        known.sign(payload, zego_secret)
    return json.dumps(payload, ensure_ascii=False, indent=4).encode()


@cache
def packaged(name: str) -> bytes:
    """The packaged sample `<name>.json`: a source's own, or a further form, as in `cts-video-basic`."""
    return files(__name__).joinpath(f"{name}.json").read_bytes()
