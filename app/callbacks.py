"""The ingress: `POST /callbacks/<source>[/<token>]`.

It does not parse. It reads the body, makes it durable, and answers 200 `{"code": 0}`; whatever the body holds is the workers'
business. It stands in front of Flask because that is most of its speed (see docs/decisions.md).
"""

import hmac
import logging
from collections.abc import Callable, Collection

from app.requests import BodyCutShort, BodyTooLarge, Reply, Request, error_reply
from workers.queues.inbox import Callback

PREFIX = "/callbacks/"
#: Seconds after which a vendor may try again when a callback could not be made durable.
RETRY_AFTER = 1
ACKNOWLEDGED = Reply("200 OK", b'{"code": 0}')

log = logging.getLogger(__name__)


class Ingress:
    """Answers callbacks.

    `commit` returns once a callback is durable and raises if it cannot be; `refused` is told of each that is not accepted: the
    source the caller named, and the `code` of the answer.
    """

    def __init__(
        self,
        *,
        commit: Callable[[Callback], None],
        sources: Collection[str],
        tokens: Collection[str],
        max_body_bytes: int,
        refused: Callable[[str, str], None] | None = None,
    ) -> None:
        self._commit = commit
        self._sources = frozenset(sources)
        self._tokens = tuple(token.encode() for token in tokens)
        self._max_body_bytes = max_body_bytes
        self._refused = refused

    def answer(self, request: Request) -> Reply:
        """The answer to a request whose path begins with PREFIX."""
        source, _, token = request.path[len(PREFIX) :].partition("/")
        if source not in self._sources:
            known = ", ".join(sorted(self._sources))
            message = f"Callbacks come to /callbacks/ and one of: {known}."
            return self._refusal("404 Not Found", source, "unknown_source", message)
        if not self._may_call(token):
            message = "The token at the end of the path is missing or wrong."
            return self._refusal("403 Forbidden", source, "wrong_token", message)
        if request.method != "POST":
            message = "Callbacks are POSTed."
            return self._refusal("405 Method Not Allowed", source, "method_not_allowed", message, ("Allow", "POST"))
        try:
            body = request.body(self._max_body_bytes)
        except BodyTooLarge:
            message = f"The body is longer than {self._max_body_bytes} bytes."
            return self._refusal("413 Content Too Large", source, "body_too_large", message)
        except BodyCutShort as error:
            return self._refusal("400 Bad Request", source, "body_cut_short", str(error))
        try:
            self._commit(Callback(source, body))
        except Exception as error:
            log.warning("a callback of %s could not be made durable: %s: %s", source, type(error).__name__, error)
            message = "The callback could not be made durable; please send it again."
            retry = ("Retry-After", str(RETRY_AFTER))
            return self._refusal("503 Service Unavailable", source, "not_durable", message, retry)
        return ACKNOWLEDGED

    def _refusal(self, status: str, source: str, code: str, message: str, *headers: tuple[str, str]) -> Reply:
        if self._refused is not None:
            self._refused(source, code)
        return error_reply(status, code, message, *headers)

    def _may_call(self, token: str) -> bool:
        """Where tokens are set, one of them must end the path; without any, nothing may follow the source."""
        if not self._tokens:
            return not token
        given = token.encode("latin-1", "replace")
        # Every token is compared, so that the time taken says nothing about which came close.
        return sum(hmac.compare_digest(given, wanted) for wanted in self._tokens) > 0
