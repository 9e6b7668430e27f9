"""API 3.0: `/`, version 2018-07-17, with `PullEvents` and `ConfirmEvents`.

Clients are the vendor's `tencentcloud` SDKs. They sign with TC3-HMAC-SHA256 over JSON or a query string and name the action in
a header, or with version 1 and name it among the parameters. The HTTP status is 200 whatever happens; `Response.Error` says
what did.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.pull.admission import Admission, Claim, flat_claim
from app.pull.handles import confirm_each
from app.pull.parameters import numbered, read_parameters
from app.pull.refused import Reason, Refused, answer
from app.pull.signature import SignedRequest, date_of, read_authorization, tc3_signatures
from app.pull.waiting_room import WaitingRoom
from app.pull.witness import Witness
from app.requests import Reply, Request
from schemas.pull.v3 import all_fields
from schemas.settings import PullCredential
from workers.queues.pull import Pulled, PullQueues

PATH = "/"
VERSION = "2018-07-17"

#: The vendor's code for each reason: https://cloud.tencent.com/document/product/266/31758
_CODES = {
    Reason.UNREADABLE: "InvalidParameter",
    Reason.MISSING_PARAMETER: "MissingParameter",
    Reason.BAD_VALUE: "InvalidParameterValue",
    Reason.UNKNOWN_ACTION: "InvalidAction",
    Reason.UNKNOWN_VERSION: "NoSuchVersion",
    Reason.BAD_AUTHORIZATION: "AuthFailure.InvalidAuthorization",
    Reason.EXPIRED: "AuthFailure.SignatureExpire",
    Reason.UNKNOWN_CALLER: "AuthFailure.SecretIdNotFound",
    Reason.BAD_SIGNATURE: "AuthFailure.SignatureFailure",
    Reason.NOT_ALLOWED: "UnauthorizedOperation",
    Reason.TOO_LARGE: "RequestSizeLimitExceeded",
    Reason.TOO_MANY: "RequestLimitExceeded",
    Reason.INTERNAL: "InternalError",
}


class PullApi3:
    """API 3.0, for holders of `credentials`."""

    def __init__(
        self,
        room: WaitingRoom,
        queues: PullQueues,
        credentials: Iterable[PullCredential],
        witness: Witness | None = None,
    ) -> None:
        self._room = room
        self._queues = queues
        self._witness = witness
        self._admission = Admission(credentials)
        self._actions: dict[str, Callable[[PullCredential, Mapping[str, Any], Request], bytes]] = {
            "PullEvents": self._pull,
            "ConfirmEvents": self._confirm,
        }

    def answer(self, request: Request) -> Reply:
        """The answer to a request for PATH."""
        request_id = request.id = str(uuid.uuid4())

        def serve(request: Request, body: bytes) -> bytes:
            return b'{"Response":{%b"RequestId":"%b"}}' % (self._serve(request, body), request_id.encode())

        def refuse(reason: Reason, message: str) -> bytes:
            error = {"Code": _CODES[reason], "Message": message}
            return json.dumps({"Response": {"Error": error, "RequestId": request_id}}).encode()

        return answer(request, serve, refuse)

    def _serve(self, request: Request, body: bytes) -> bytes:
        by_header = "x-tc-action" in request.headers or "authorization" in request.headers
        asked = _named_in_headers(request, body) if by_header else _named_in_parameters(request, body)
        action = self._actions.get(asked.action)
        if action is None:
            raise Refused(Reason.UNKNOWN_ACTION, f"the action must be one of {', '.join(self._actions)}")
        if asked.version != VERSION:
            raise Refused(Reason.UNKNOWN_VERSION, f"the version must be {VERSION}")
        caller = self._admission.caller(asked.claim(), time.time())
        parameters = asked.parameters()
        self._admission.admit(caller, _sub_app_id(parameters))
        return action(caller, parameters, request)

    def _pull(self, caller: PullCredential, _: Mapping[str, Any], request: Request) -> bytes:
        pulled = self._room.pull(caller.queue, "v3", request.hung_up, caller.secret_id)
        if self._witness is not None:
            self._witness.pulled(caller.queue, pulled, request.id)
        return b'"EventSet":[%b],' % b",".join(map(_event, pulled))

    def _confirm(self, caller: PullCredential, parameters: Mapping[str, Any], request: Request) -> bytes:
        confirm_each(self._queues, caller.queue, _handles(parameters), self._witness, request.id)
        return b""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks for; the rest is read when it is worth reading, and may raise Refused."""

    action: str
    version: str
    claim: Callable[[], Claim]
    parameters: Callable[[], Mapping[str, Any]]


def _named_in_headers(request: Request, body: bytes) -> _Asked:
    """A request as TC3-HMAC-SHA256 has it."""
    is_json = request.method == "POST"
    return _Asked(
        _present("X-TC-Action", request.headers.get("x-tc-action")),
        _present("X-TC-Version", request.headers.get("x-tc-version")),
        lambda: _tc3_claim(request, body),
        lambda: _json_parameters(body) if is_json else _flat(read_parameters(request.query)),
    )


def _named_in_parameters(request: Request, body: bytes) -> _Asked:
    """A request as signature version 1 has it."""
    parameters = read_parameters(body if request.method == "POST" else request.query)
    return _Asked(
        _present("Action", parameters.get("Action")),
        _present("Version", parameters.get("Version")),
        lambda: _flat_claim(request, parameters),
        lambda: _flat(parameters),
    )


def _tc3_claim(request: Request, body: bytes) -> Claim:
    timestamp = _present("X-TC-Timestamp", request.headers.get("x-tc-timestamp"))
    authorization = read_authorization(_present("Authorization", request.headers.get("authorization")))
    if authorization is None:
        raise Refused(
            Reason.BAD_AUTHORIZATION,
            "Authorization must be: TC3-HMAC-SHA256 Credential=<SecretId>/<date>/vod/tc3_request, "
            "SignedHeaders=content-type;host, Signature=<hexadecimal>",
        )
    signed = SignedRequest(request.method, request.query, request.headers, body, timestamp)

    def expected(secret_key: str) -> Iterable[str]:
        # The timestamp is known to be a number by now. A credential of another day proves nothing.
        if authorization.date != date_of(int(timestamp)):
            return []
        return tc3_signatures(secret_key, authorization, signed)

    return Claim(authorization.secret_id, timestamp, authorization.signature, expected)


def _flat_claim(request: Request, parameters: Mapping[str, str]) -> Claim:
    for name in ("SecretId", "Timestamp", "Signature"):
        _present(name, parameters.get(name))
    return flat_claim(request.method, request.headers.get("host", ""), PATH, parameters)


def _json_parameters(body: bytes) -> Mapping[str, Any]:
    try:
        # No body at all is a request without parameters.
        parameters = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise Refused(Reason.UNREADABLE, "the body is not JSON in UTF-8") from None
    if not isinstance(parameters, dict):
        raise Refused(Reason.UNREADABLE, "the body is JSON, but not an object")
    return parameters


def _flat(parameters: Mapping[str, str]) -> Mapping[str, Any]:
    """Parameters of a query string or a form, in the form they have in JSON."""
    handles = numbered(parameters, "EventHandles")
    return {**parameters, "EventHandles": handles} if handles else parameters


def _present(name: str, value: str | None) -> str:
    if not value:
        raise Refused(
            Reason.MISSING_PARAMETER,
            f"{name} is missing. This address is the pull API, version {VERSION}, for the vendor's SDKs",
        )
    return value


def _handles(parameters: Mapping[str, Any]) -> Sequence[str]:
    handles = parameters.get("EventHandles")
    if handles is None:
        raise Refused(Reason.MISSING_PARAMETER, "EventHandles is missing")
    if not isinstance(handles, list) or not all(isinstance(handle, str) for handle in handles):
        raise Refused(Reason.UNREADABLE, "EventHandles must be a list of strings")
    return handles


def _sub_app_id(parameters: Mapping[str, Any]) -> str:
    asked = parameters.get("SubAppId")
    if asked is None:
        return ""
    if isinstance(asked, bool) or not isinstance(asked, (int, str)):
        raise Refused(Reason.UNREADABLE, "SubAppId must be a whole number")
    return str(asked)


def _event(event: Pulled) -> bytes:
    """One entry of EventSet: the stored fields, with the handle put in front of them."""
    return b'{"EventHandle":"%b",%b}' % (event.handle, all_fields(event.content))
