"""The legacy pull API: `/v2/index.php`, with `PullEvent`/`PullVodEvent` and `ConfirmEvent`/`ConfirmVodEvent`.

Clients know it from the vendor's pages on reliable notification and from its `qcloudapi` SDKs. The HTTP status is 200 whatever
happens; the `code` in the body says what did.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

import redis
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.pull.waiting_room import WaitingRoom
from schemas.settings import PullCredential
from workers.queues.pull import MOST, Pulled, PullQueues

PATH = "/v2/index.php"
#: Seconds a request's Timestamp may be off.
TIMESTAMP_TOLERANCE = 300

_HASHES = {"HmacSHA1": hashlib.sha1, "HmacSHA256": hashlib.sha256}
_HANDLE = re.compile(r"msgHandle[._]?(\d{1,6})$", re.IGNORECASE)


class Code(Enum):
    """The vendor's codes. 4000 is also what an empty queue answers: its own consumers take it as "ask again"."""

    BAD_PARAMETER = 4000
    AUTHENTICATION_FAILED = 4100
    TIMESTAMP_EXPIRED = 4104
    INTERNAL_ERROR = 5000


_DESCRIPTIONS = {
    Code.BAD_PARAMETER: "InvalidParameter",
    Code.AUTHENTICATION_FAILED: "AuthFailure",
    Code.TIMESTAMP_EXPIRED: "RequestExpired",
    Code.INTERNAL_ERROR: "InternalError",
}


class Refused(Exception):
    """A request that is answered with a code other than 0."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def string_to_sign(method: str, host: str, path: str, parameters: Mapping[str, str]) -> str:
    """What the signature is over: values as they are, not percent-encoded; `_` in names read as `.`; sorted by name."""
    pairs = "&".join(
        f"{name.replace('_', '.')}={value}" for name, value in sorted(parameters.items()) if name != "Signature"
    )
    return f"{method}{host}{path}?{pairs}"


def sign(secret_key: str, method_name: str, text: str) -> str:
    """The signature in base64. Raises KeyError for a method that is not HmacSHA1 or HmacSHA256."""
    digest = hmac.new(secret_key.encode(), text.encode("utf-8", "surrogatepass"), _HASHES[method_name]).digest()
    return base64.b64encode(digest).decode()


def blueprint(room: WaitingRoom, queues: PullQueues, credentials: Iterable[PullCredential]) -> Blueprint:
    """The one route of the legacy API."""
    routes = Blueprint("pull v2", __name__)
    known = {credential.secret_id: credential for credential in credentials}

    def pull(queue: str, _: Mapping[str, str]) -> bytes:
        return _events(room.pull(queue, "v2"))

    def confirm(queue: str, parameters: Mapping[str, str]) -> bytes:
        handles = _handles(parameters)
        good = queues.confirm(queue, handles)
        bad = [handle for handle, is_good in zip(handles, good, strict=True) if not is_good]
        if bad:
            named = ", ".join(handle[:200] for handle in bad)
            raise Refused(Code.BAD_PARAMETER, f"these handles are expired, superseded or were never given out: {named}")
        return b'{"code":0,"message":"","codeDesc":"Success"}'

    actions: dict[str, Callable[[str, Mapping[str, str]], bytes]] = {
        "PullEvent": pull,
        "PullVodEvent": pull,
        "ConfirmEvent": confirm,
        "ConfirmVodEvent": confirm,
    }

    @routes.route(PATH, methods=["GET", "POST"])
    def call() -> Response:
        try:
            parameters = _parameters()
            action = actions.get(parameters.get("Action", ""))
            if action is None:
                raise Refused(Code.BAD_PARAMETER, f"Action must be one of {', '.join(actions)}")
            queue = authenticate(known, request.method, request.headers.get("Host", ""), parameters, time.time())
            body = action(queue, parameters)
        except Refused as refused:
            body = _refusal(refused.code, str(refused))
        except redis.RedisError:
            body = _refusal(Code.INTERNAL_ERROR, "the store does not answer at the moment")
        return Response(body, mimetype="application/json")

    return routes


def authenticate(
    known: Mapping[str, PullCredential], method: str, host: str, parameters: Mapping[str, str], now: float
) -> str:
    """The name of the queue that the caller may use. Raises Refused."""
    timestamp = parameters.get("Timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit() and abs(int(timestamp[:20]) - now) <= TIMESTAMP_TOLERANCE):
        raise Refused(Code.TIMESTAMP_EXPIRED, f"Timestamp must be a Unix time within {TIMESTAMP_TOLERANCE} s of now")
    method_name = parameters.get("SignatureMethod") or "HmacSHA1"
    if method_name not in _HASHES:
        raise Refused(Code.BAD_PARAMETER, f"SignatureMethod must be one of {', '.join(_HASHES)}")
    credential = known.get(parameters.get("SecretId", ""))
    # An unknown SecretId takes as long as a known one and gets the same words.
    expected = sign(
        credential.secret_key if credential else "", method_name, string_to_sign(method, host, PATH, parameters)
    )
    given = parameters.get("Signature", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()) or credential is None:
        raise Refused(Code.AUTHENTICATION_FAILED, "SecretId or Signature is wrong")
    if parameters.get("SubAppId", "") not in ("", credential.queue):
        raise Refused(Code.AUTHENTICATION_FAILED, "this SecretId has no access to that SubAppId")
    return credential.queue


def _parameters() -> dict[str, str]:
    try:
        return (request.form if request.method == "POST" else request.args).to_dict()
    except RequestEntityTooLarge:
        raise Refused(Code.BAD_PARAMETER, "the request is too large") from None


def _handles(parameters: Mapping[str, str]) -> Sequence[str]:
    """The handles in the order of their numbers, which may begin with 0 or 1. Raises Refused."""
    numbered = [(int(match[1]), value) for name, value in parameters.items() if (match := _HANDLE.match(name))]
    if not 1 <= len(numbered) <= MOST:
        raise Refused(Code.BAD_PARAMETER, f"msgHandle.0 and so on: from 1 to {MOST} handles, not {len(numbered)}")
    return [value for _, value in sorted(numbered)]


def _events(pulled: Sequence[Pulled]) -> bytes:
    if not pulled:
        raise Refused(Code.BAD_PARAMETER, "no event within the time of a long poll; ask again")
    events = b",".join(
        b'{"msgHandle":"%b","eventContent":%b}' % (event.handle.encode(), event.content) for event in pulled
    )
    return b'{"code":0,"message":"","codeDesc":"Success","eventList":[%b]}' % events


def _refusal(code: Code, message: str) -> bytes:
    description = _DESCRIPTIONS[code]
    return json.dumps({"code": code.value, "message": f"({code.value}){message}", "codeDesc": description}).encode()
