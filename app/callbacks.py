"""The ingress: `POST /callbacks/<source>[/<token>]`, as a small WSGI callable in front of Flask.

It does not parse. It reads the body, makes it durable, and answers 200 `{"code": 0}`; whatever the body holds is the workers'
business. It stands in front of Flask because that is most of its speed (see docs/decisions.md).
"""

import hmac
import json
import logging
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from workers.queues.inbox import Callback

#: Seconds after which a vendor may try again when a callback could not be made durable.
RETRY_AFTER = 1

log = logging.getLogger(__name__)


class Reply(NamedTuple):
    """An answer, in no server's form yet."""

    status: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def all_headers(self) -> list[tuple[str, str]]:
        """With those that every answer has."""
        return [("Content-Type", "application/json"), ("Content-Length", str(len(self.body))), *self.headers]


ACKNOWLEDGED = Reply("200 OK", b'{"code": 0}')


class Ingress:
    """Answers callbacks, whichever server they came through.

    `commit` returns once a callback is durable and raises if it cannot be.
    """

    PREFIX = "/callbacks/"

    def __init__(
        self,
        *,
        commit: Callable[[Callback], None],
        sources: Collection[str],
        tokens: Collection[str],
        max_body_bytes: int,
    ) -> None:
        self._commit = commit
        self._sources = frozenset(sources)
        self._tokens = tuple(token.encode() for token in tokens)
        self._max_body_bytes = max_body_bytes

    def answer(self, method: str, path: str, length: int | None, read: Callable[[int], bytes]) -> Reply:
        """The answer to a request whose path begins with PREFIX.

        `length` is the body's, as announced, or None for one that ends by itself (chunked); `read(n)` gives up to n bytes of it,
        fewer only at its end, and may raise whatever it likes if the client goes away.
        """
        source, _, token = path[len(self.PREFIX) :].partition("/")
        if source not in self._sources:
            known = ", ".join(sorted(self._sources))
            return _error("404 Not Found", "unknown_source", f"Callbacks come to /callbacks/ and one of: {known}.")
        if not self._may_call(token):
            return _error("403 Forbidden", "wrong_token", "The token at the end of the path is missing or wrong.")
        if method != "POST":
            return _error("405 Method Not Allowed", "method_not_allowed", "Callbacks are POSTed.", ("Allow", "POST"))
        if length is not None and length > self._max_body_bytes:
            return self._too_large()
        try:
            body = read(self._max_body_bytes + 1 if length is None else length)
        except Exception as error:
            # Each server has its own exceptions for a client that goes away or sends no proper chunks; all mean this.
            message = f"The body could not be read to its end ({type(error).__name__})."
            return _error("400 Bad Request", "body_cut_short", message)
        if length is not None and len(body) < length:
            message = f"The body ended after {len(body)} of the {length} bytes announced."
            return _error("400 Bad Request", "body_cut_short", message)
        if len(body) > self._max_body_bytes:
            return self._too_large()
        try:
            self._commit(Callback(source, body))
        except Exception as error:
            log.warning("a callback of %s could not be made durable: %s: %s", source, type(error).__name__, error)
            message = "The callback could not be made durable; please send it again."
            return _error("503 Service Unavailable", "not_durable", message, ("Retry-After", str(RETRY_AFTER)))
        return ACKNOWLEDGED

    def _may_call(self, token: str) -> bool:
        """Where tokens are set, one of them must end the path; without any, nothing may follow the source."""
        if not self._tokens:
            return not token
        given = token.encode("latin-1", "replace")
        # Every token is compared, so that the time taken says nothing about which came close.
        return sum(hmac.compare_digest(given, wanted) for wanted in self._tokens) > 0

    def _too_large(self) -> Reply:
        return _error(
            "413 Content Too Large", "body_too_large", f"The body is longer than {self._max_body_bytes} bytes."
        )


class IngressInFront:
    """A WSGI application: callbacks go to `ingress`, every other request to `app`."""

    def __init__(self, ingress: Ingress, app: WSGIApplication) -> None:
        self.ingress = ingress
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if not path.startswith(Ingress.PREFIX):
            return self._app(environ, start_response)
        length = environ.get("CONTENT_LENGTH")
        ends_by_itself = not length and environ.get("wsgi.input_terminated")
        reply = self.ingress.answer(
            environ["REQUEST_METHOD"],
            path,
            None if ends_by_itself else int(length or 0),
            environ["wsgi.input"].read,
        )
        start_response(reply.status, reply.all_headers)
        return (reply.body,)


def _error(status: str, code: str, message: str, *headers: tuple[str, str]) -> Reply:
    return Reply(status, json.dumps({"error": {"code": code, "message": message}}).encode(), headers)
