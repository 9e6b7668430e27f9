"""A request and a reply in no server's form yet: what the answerers in front of Flask get and give."""

import contextlib
import json
from collections.abc import Callable, Iterable
from typing import NamedTuple

#: Bytes of a body too large that are read all the same.
MOST_READ_IN_VAIN = 1024 * 1024


class BodyTooLarge(Exception):
    """The body is longer than whoever reads it takes."""


class BodyCutShort(Exception):
    """The body ended before it should; the message says how."""


class Request:
    """One request. The body is read when it is asked for, the headers when one is."""

    __slots__ = ("_header_pairs", "_headers", "_length", "_read", "hung_up", "id", "method", "path", "query")

    def __init__(
        self,
        method: str,
        path: str,
        query: bytes,
        header_pairs: Callable[[], Iterable[tuple[str, str]]],
        length: int | None,
        read: Callable[[int], bytes],
        hung_up: Callable[[], bool] = lambda: False,
    ) -> None:
        """`length` is the body's, as announced, or None for one that ends by itself (chunked).

        `read(n)` gives up to n bytes of it, fewer only at its end, and may raise whatever it likes if the client goes away.
        `hung_up` tells whether the client is known to have gone; few servers can say.
        """
        self.method = method
        self.path = path
        self.query = query
        self._header_pairs = header_pairs
        self._headers: dict[str, str] | None = None
        self._length = length
        self._read = read
        self.hung_up = hung_up
        #: what the answer calls it, if it calls it anything
        self.id = ""

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case name."""
        if self._headers is None:
            self._headers = {name.lower(): value for name, value in self._header_pairs()}
        return self._headers

    def body(self, most: int) -> bytes:
        """All of it, once. Raises BodyTooLarge over `most` bytes, and BodyCutShort."""
        length = self._length
        if length == 0:
            return b""
        if length is not None and length > most:
            # Many clients look for an answer only when they have sent everything, and some servers hang up on them before.
            with contextlib.suppress(Exception):
                self._read(min(length, MOST_READ_IN_VAIN))
            raise BodyTooLarge
        try:
            body = self._read(most + 1 if length is None else length)
        except Exception as error:
            # Each server has its own exceptions for a client that goes away or sends no proper chunks; all mean this.
            raise BodyCutShort(f"The body could not be read to its end ({type(error).__name__}).") from error
        if length is not None and len(body) < length:
            raise BodyCutShort(f"The body ended after {len(body)} of the {length} bytes announced.")
        if len(body) > most:
            raise BodyTooLarge
        return body


class Reply(NamedTuple):
    """An answer, always JSON."""

    status: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def all_headers(self) -> list[tuple[str, str]]:
        """With those that every answer has."""
        return [("Content-Type", "application/json"), ("Content-Length", str(len(self.body))), *self.headers]


def error_reply(status: str, code: str, message: str, *headers: tuple[str, str]) -> Reply:
    """An error in the form that all but the pull APIs have."""
    return Reply(status, json.dumps({"error": {"code": code, "message": message}}).encode(), headers)


Answerer = Callable[[Request], Reply]
