"""What is kept of an event for days, made small: its document and the body it came as, compressed together.

Callbacks of one vendor differ in ids and numbers, and the document says in our words what the body says in the
vendor's. So both are compressed as one text against a dictionary of the documented bodies and what becomes of them:
5.7 kB of cts-video become 200 to 400 bytes, in 15 us; reading them takes 5 us.
"""

import struct
import zlib
from importlib import resources

#: Which dictionary the newest of what is kept was written with: the first byte of it. What is kept is read with the
#: dictionary it was written with, so a file that was ever released is never changed; a better one is another file
#: with the next number.
DICTIONARY = 1
#: The level for long texts, where 4 and above take half as long again to save a tenth, and for short ones, which cost the
#: same time and become a fifth smaller. Short is less than so many bytes.
LEVEL, LEVEL_SHORT, SHORT = 3, 6, 1500
#: zlib's word for how much it sets up: less is copied faster, and finds as much in texts as short as these.
MEMORY = 7

_LENGTH = struct.Struct(">I")


def _dictionary(number: int) -> bytes:
    return (resources.files(__package__) / f"kept_{number}.dictionary").read_bytes()


# Preparing a dictionary takes longer than using it, so one that has read it is copied for each.
_LONG, _SHORT = (
    zlib.compressobj(level, zlib.DEFLATED, -15, MEMORY, zlib.Z_DEFAULT_STRATEGY, _dictionary(DICTIONARY))
    for level in (LEVEL, LEVEL_SHORT)
)
_DECOMPRESSING = {number: zlib.decompressobj(-15, _dictionary(number)) for number in range(1, DICTIONARY + 1)}


def compact(document: bytes, body: bytes) -> bytes:
    """Both, in as few bytes as may be."""
    text = _LENGTH.pack(len(body)) + body + document
    compressing = (_SHORT if len(text) < SHORT else _LONG).copy()
    start = compressing.compress(text)
    return bytes([DICTIONARY]) + start + compressing.flush()


def expanded(kept: bytes) -> tuple[bytes, bytes]:
    """The document and the body that `compact` was given."""
    whole = _DECOMPRESSING[kept[0]].copy().decompress(kept[1:])
    (length,) = _LENGTH.unpack_from(whole)
    start = _LENGTH.size
    return whole[start + length :], whole[start : start + length]
