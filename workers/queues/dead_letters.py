"""Dead letters: callbacks that could not be understood, kept whole, with the reason, until an operator replays or discards them.

ti:dead             sorted set; dead letter id, by number in order of arrival
ti:dead:<id>        hash: source, reason, message, received (ms), failed (ms), body, origin, times (how often it came)
ti:dead:last        number of the newest
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from schemas.times import iso_time
from workers.queues.listing import BadCursor, Page
from workers.queues.script import Script
from workers.store import Store

#: How many dead letters a page may hold in bytes of bodies, once it holds one.
PAGE_BYTES = 4 * 1024 * 1024

_ADD = Script("dead_letter_add")
_REPLAY = Script("dead_letter_replay")
_DISCARD = Script("dead_letter_discard")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A callback that could not be understood, and why."""

    source: str
    body: bytes
    #: `malformed_json`, `invalid`, `signature`, `unreadable`; `internal` where the fault is ours
    reason: str
    #: a sentence that says what and where
    message: str
    #: milliseconds since the epoch
    received: int
    #: the inbox entry and the position in it
    origin: str

    @property
    def id(self) -> str:
        """The same bytes from the same source are the same dead letter."""
        return f"{self.source}:{hashlib.blake2b(self.body, digest_size=16).hexdigest()}"


class DeadLetters:
    """The dead letters of one store."""

    def __init__(self, client: Store) -> None:
        self._client = client

    def add(self, letters: Sequence[DeadLetter]) -> list[Exception | None]:
        """Keeps each by itself; for each, None or why it could not be kept."""
        calls = [
            (
                letter.id,
                letter.source,
                letter.reason,
                letter.message.encode("utf-8", "replace"),
                letter.received,
                letter.body,
                letter.origin,
            )
            for letter in letters
        ]
        answers = _ADD.run_each(self._client, calls)
        return [answer if isinstance(answer, Exception) else None for answer in answers]

    def find(self, letter_id: str) -> dict[str, Any] | None:
        """The dead letter with its body, as text (`raw`) and to the byte (`raw_base64`), or None."""
        fields = self._client.hgetall(f"ti:dead:{letter_id}")
        return _letter(letter_id, fields) if fields else None

    def list(
        self, *, limit: int, cursor: str | None = None, source: str | None = None, reason: str | None = None
    ) -> Page:
        """Dead letters, newest first. Raises BadCursor."""
        if cursor is not None and not cursor.isdigit():
            raise BadCursor(f"{cursor!r} is no cursor of this list")
        items: list[Any] = []
        size = 0
        last, last_given = (f"({cursor}" if cursor else "+inf"), None
        while True:
            found = self._client.zrevrangebyscore("ti:dead", last, "-inf", 0, limit + 1, withscores=True)
            for member, score in found:
                letter = self.find(member.decode())
                if letter is not None and source in (None, letter["source"]) and reason in (None, letter["reason"]):
                    if len(items) == limit or (items and size + letter["size"] > PAGE_BYTES):
                        return Page(items, last_given)
                    items.append(letter)
                    size += letter["size"]
                last_given = f"{score:.0f}"
            if len(found) <= limit:
                return Page(items, None)
            last = f"({last_given}"

    def replay(self, letter_id: str, *, force: bool = False) -> str | None:
        """Puts the body back into the inbox as it came, in one step; the new inbox entry's id, or None for no such letter.

        `force` lets it pass without the signature check. The caller publishes the entry; else the sweep does.
        """
        answer = _REPLAY.run(self._client, letter_id, "force" if force else "")
        return None if answer is None else bytes(answer).decode()

    def discard(self, letter_id: str) -> bool:
        """Forgets it for good. False for no such letter."""
        return bool(_DISCARD.run(self._client, letter_id))

    def count(self) -> int:
        """How many there are."""
        return int(self._client.zcard("ti:dead"))


def _letter(letter_id: str, fields: dict[bytes, bytes]) -> dict[str, Any]:
    body = fields[b"body"]
    return {
        "id": letter_id,
        "source": fields[b"source"].decode(),
        "reason": fields[b"reason"].decode(),
        "message": fields[b"message"].decode("utf-8", "replace"),
        "received_at": iso_time(int(fields[b"received"])),
        "failed_at": iso_time(int(fields[b"failed"])),
        "times": int(fields[b"times"]),
        "size": len(body),
        "raw": body.decode("utf-8", "replace"),
        "raw_base64": base64.b64encode(body).decode(),
    }
