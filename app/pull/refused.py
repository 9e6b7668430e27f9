"""What a pull API says no to: one vocabulary for both generations, each of which has its own codes for it."""

import logging
from collections.abc import Callable
from enum import Enum, auto

import redis

from app.requests import BodyCutShort, BodyTooLarge, Reply, Request, error_reply

#: Bytes a request to a pull API may have: sixteen handles take three thousand.
MOST_REQUEST_BYTES = 64 * 1024

log = logging.getLogger(__name__)


class Reason(Enum):
    """Why a request is refused."""

    #: the request as a whole cannot be read, or a parameter has the wrong type
    UNREADABLE = auto()
    MISSING_PARAMETER = auto()
    BAD_VALUE = auto()
    UNKNOWN_ACTION = auto()
    UNKNOWN_VERSION = auto()
    #: an Authorization header that is not in the vendor's form
    BAD_AUTHORIZATION = auto()
    EXPIRED = auto()
    UNKNOWN_CALLER = auto()
    BAD_SIGNATURE = auto()
    NOT_ALLOWED = auto()
    TOO_LARGE = auto()
    TOO_MANY = auto()
    INTERNAL = auto()


class Refused(Exception):
    """A request that gets an error, with a sentence for whoever wrote the client."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def answer(request: Request, serve: Callable[[Request, bytes], bytes], refuse: Callable[[Reason, str], bytes]) -> Reply:
    """What `serve` returns for a request and its body, or `refuse` of what kept it from that.

    It is always JSON and always status 200, as on the original. The content type of a Reply is bare `application/json`: the
    vendor's SDK looks for errors only under exactly that.
    """
    if request.method not in ("GET", "POST"):
        message = "The pull API takes GET and POST."
        return error_reply("405 Method Not Allowed", "method_not_allowed", message, ("Allow", "GET, POST"))
    try:
        body = serve(request, request.body(MOST_REQUEST_BYTES))
    except Refused as refused:
        body = refuse(refused.reason, str(refused))
    except BodyTooLarge:
        body = refuse(Reason.TOO_LARGE, "the request is too large")
    except BodyCutShort as error:
        body = refuse(Reason.UNREADABLE, str(error))
    except redis.RedisError as error:
        log.warning("the store did not answer: %s: %s", type(error).__name__, error)
        body = refuse(Reason.INTERNAL, "the store does not answer at the moment")
    except Exception:
        log.exception("a pull request failed")
        body = refuse(Reason.INTERNAL, "something went wrong here; it is in the log")
    return Reply("200 OK", body)
