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

    `commit` returns once a callback is durable and raises if it cannot be.
    """

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

    def answer(self, request: Request) -> Reply:
        """The answer to a request whose path begins with PREFIX."""
        source, _, token = request.path[len(PREFIX) :].partition("/")
        if source not in self._sources:
            known = ", ".join(sorted(self._sources))
            return error_reply("404 Not Found", "unknown_source", f"Callbacks come to /callbacks/ and one of: {known}.")
        if not self._may_call(token):
            return error_reply("403 Forbidden", "wrong_token", "The token at the end of the path is missing or wrong.")
        if request.method != "POST":
            return error_reply(
                "405 Method Not Allowed", "method_not_allowed", "Callbacks are POSTed.", ("Allow", "POST")
            )
        try:
            body = request.body(self._max_body_bytes)
        except BodyTooLarge:
            message = f"The body is longer than {self._max_body_bytes} bytes."
            return error_reply("413 Content Too Large", "body_too_large", message)
        except BodyCutShort as error:
            return error_reply("400 Bad Request", "body_cut_short", str(error))
        try:
            self._commit(Callback(source, body))
        except Exception as error:
            log.warning("a callback of %s could not be made durable: %s: %s", source, type(error).__name__, error)
            message = "The callback could not be made durable; please send it again."
            return error_reply("503 Service Unavailable", "not_durable", message, ("Retry-After", str(RETRY_AFTER)))
        return ACKNOWLEDGED

    def _may_call(self, token: str) -> bool:
        """Where tokens are set, one of them must end the path; without any, nothing may follow the source."""
        if not self._tokens:
            return not token
        given = token.encode("latin-1", "replace")
        # Every token is compared, so that the time taken says nothing about which came close.
        return sum(hmac.compare_digest(given, wanted) for wanted in self._tokens) > 0
