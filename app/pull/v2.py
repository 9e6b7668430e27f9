"""The legacy pull API: `/v2/index.php`, with `PullEvent`/`PullVodEvent` and `ConfirmEvent`/`ConfirmVodEvent`.

Clients know it from the vendor's pages on reliable notification and from its `qcloudapi` SDKs. The HTTP status is 200 whatever
happens; the `code` in the body says what did.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from app.pull.admission import Admission, flat_claim
from app.pull.handles import confirm_each
from app.pull.parameters import numbered, read_parameters
from app.pull.refused import Reason, Refused, answer
from app.pull.waiting_room import WaitingRoom
from app.pull.witness import Witness
from app.requests import Reply, Request
from schemas.settings import PullCredential
from workers.queues.pull import Pulled, PullQueues

PATH = "/v2/index.php"

_BAD_PARAMETER = (4000, "InvalidParameter")
_AUTHENTICATION_FAILED = (4100, "AuthFailure")
#: The vendor's code and its name for each reason.
_CODES = {
    Reason.UNREADABLE: _BAD_PARAMETER,
    Reason.MISSING_PARAMETER: _BAD_PARAMETER,
    Reason.BAD_VALUE: _BAD_PARAMETER,
    Reason.UNKNOWN_ACTION: _BAD_PARAMETER,
    Reason.UNKNOWN_VERSION: _BAD_PARAMETER,
    Reason.TOO_LARGE: _BAD_PARAMETER,
    Reason.BAD_AUTHORIZATION: _AUTHENTICATION_FAILED,
    Reason.UNKNOWN_CALLER: _AUTHENTICATION_FAILED,
    Reason.BAD_SIGNATURE: _AUTHENTICATION_FAILED,
    Reason.NOT_ALLOWED: _AUTHENTICATION_FAILED,
    Reason.EXPIRED: (4104, "RequestExpired"),
    Reason.TOO_MANY: (4400, "RequestLimitExceeded"),
    Reason.INTERNAL: (5000, "InternalError"),
}


class PullApi2:
    """The legacy API, for holders of `credentials`."""

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
        self._actions: dict[str, Callable[[PullCredential, Mapping[str, str], Request], bytes]] = {
            "PullEvent": self._pull,
            "PullVodEvent": self._pull,
            "ConfirmEvent": self._confirm,
            "ConfirmVodEvent": self._confirm,
        }

    def answer(self, request: Request) -> Reply:
        """The answer to a request for PATH."""
        return answer(request, self._serve, _refusal)

    def _serve(self, request: Request, body: bytes) -> bytes:
        parameters = read_parameters(body if request.method == "POST" else request.query)
        action = self._actions.get(parameters.get("Action", ""))
        if action is None:
            raise Refused(Reason.UNKNOWN_ACTION, f"Action must be one of {', '.join(self._actions)}")
        claim = flat_claim(request.method, request.headers.get("host", ""), PATH, parameters)
        caller = self._admission.caller(claim, time.time())
        self._admission.admit(caller, parameters.get("SubAppId", ""))
        return action(caller, parameters, request)

    def _pull(self, caller: PullCredential, _: Mapping[str, str], request: Request) -> bytes:
        pulled = self._room.pull(caller.queue, "v2", request.hung_up, caller.secret_id)
        if self._witness is not None:
            self._witness.pulled(caller.queue, pulled)
        return _events(pulled)

    def _confirm(self, caller: PullCredential, parameters: Mapping[str, str], _: Request) -> bytes:
        confirm_each(self._queues, caller.queue, numbered(parameters, "msgHandle"), self._witness)
        return b'{"code":0,"message":"","codeDesc":"Success"}'


def _events(pulled: Sequence[Pulled]) -> bytes:
    if not pulled:
        # 4000 is also what an empty queue answers: the vendor's own consumers take it as "ask again".
        raise Refused(Reason.BAD_VALUE, "no event within the time of a long poll; ask again")
    events = b",".join(b'{"msgHandle":"%b","eventContent":%b}' % (event.handle, event.content) for event in pulled)
    return b'{"code":0,"message":"","codeDesc":"Success","eventList":[%b]}' % events


def _refusal(reason: Reason, message: str) -> bytes:
    code, description = _CODES[reason]
    return json.dumps({"code": code, "message": f"({code}){message}", "codeDesc": description}).encode()
