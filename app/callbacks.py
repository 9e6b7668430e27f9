"""The ingress: `POST /callbacks/<source>[/<token>]`, as a small WSGI callable in front of Flask.

It does not parse. It reads the body, makes it durable, and answers 200 `{"code": 0}`; whatever the body holds is the workers'
business. It stands in front of Flask because that is most of its speed (see docs/decisions.md).
"""

import hmac
import json
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from workers.queues.inbox import Callback

PREFIX = "/callbacks/"
#: Seconds after which a vendor may try again when a callback could not be made durable.
RETRY_AFTER = 1

_OK = b'{"code": 0}'
_OK_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(_OK)))]

log = logging.getLogger(__name__)


class CallbackIngress:
    """Answers callbacks itself and passes every other request on to `app`.

    `commit` returns once a callback is durable and raises if it cannot be.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        commit: Callable[[Callback], None],
        sources: Collection[str],
        tokens: Collection[str],
        max_body_bytes: int,
    ) -> None:
        self._app = app
        self._commit = commit
        self._sources = frozenset(sources)
        self._tokens = tuple(token.encode() for token in tokens)
        self._max_body_bytes = max_body_bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if not path.startswith(PREFIX):
            return self._app(environ, start_response)
        source, _, token = path[len(PREFIX) :].partition("/")
        if source not in self._sources:
            known = ", ".join(sorted(self._sources))
            return _error(
                start_response, "404 Not Found", "unknown_source", f"Callbacks come to /callbacks/ and one of: {known}."
            )
        if not self._may_call(token):
            return _error(
                start_response, "403 Forbidden", "wrong_token", "The token at the end of the path is missing or wrong."
            )
        if environ["REQUEST_METHOD"] != "POST":
            return _error(
                start_response,
                "405 Method Not Allowed",
                "method_not_allowed",
                "Callbacks are POSTed.",
                ("Allow", "POST"),
            )
        try:
            body = self._body(environ)
        except _BodyTooLarge:
            message = f"The body is longer than {self._max_body_bytes} bytes."
            return _error(start_response, "413 Content Too Large", "body_too_large", message, ("Connection", "close"))
        except _BodyCutShort as error:
            return _error(start_response, "400 Bad Request", "body_cut_short", str(error), ("Connection", "close"))
        try:
            self._commit(Callback(source, body))
        except Exception as error:
            log.warning("a callback of %s could not be made durable: %s: %s", source, type(error).__name__, error)
            message = "The callback could not be made durable; please send it again."
            return _error(
                start_response, "503 Service Unavailable", "not_durable", message, ("Retry-After", str(RETRY_AFTER))
            )
        start_response("200 OK", _OK_HEADERS)
        return (_OK,)

    def _may_call(self, token: str) -> bool:
        """Where tokens are set, one of them must end the path; without any, nothing may follow the source."""
        if not self._tokens:
            return not token
        given = token.encode("latin-1", "replace")
        # Every token is compared, so that the time taken says nothing about which came close.
        return sum(hmac.compare_digest(given, wanted) for wanted in self._tokens) > 0

    def _body(self, environ: WSGIEnvironment) -> bytes:
        """The whole body. Raises _BodyTooLarge before or while reading, _BodyCutShort if it ends before it should."""
        announced = environ.get("CONTENT_LENGTH")
        if announced:
            length = int(announced)
            if length > self._max_body_bytes:
                raise _BodyTooLarge
            body = _read(environ, length)
            if len(body) < length:
                raise _BodyCutShort(f"The body ended after {len(body)} of the {length} bytes announced.")
            return body
        if not environ.get("wsgi.input_terminated"):
            return b""
        body = _read(environ, self._max_body_bytes + 1)
        if len(body) > self._max_body_bytes:
            raise _BodyTooLarge
        return body


class _BodyTooLarge(Exception):
    pass


class _BodyCutShort(Exception):
    pass


def _read(environ: WSGIEnvironment, length: int) -> bytes:
    try:
        return bytes(environ["wsgi.input"].read(length))
    except Exception as error:
        # Each server has its own exceptions for a client that goes away or sends no proper chunks; all mean the same here.
        raise _BodyCutShort(f"The body could not be read to its end ({type(error).__name__}).") from error


def _error(
    start_response: StartResponse, status: str, code: str, message: str, *headers: tuple[str, str]
) -> Iterable[bytes]:
    body: Any = json.dumps({"error": {"code": code, "message": message}}).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers])
    return (body,)
