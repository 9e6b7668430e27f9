"""Who may pull, and from which queue: the checks that both generations of the API have in common."""

import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from app.pull.refused import Reason, Refused
from app.pull.signature import HASHES, signature_1, text_to_sign
from schemas.settings import PullCredential

#: Seconds a request's timestamp may be off. There is no check of nonces beside it: one of the vendor's SDKs draws them from
#: 65,536 values, and would be refused for nothing.
TIMESTAMP_TOLERANCE = 300

_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Claim:
    """Who a request says it is from, and what it offers as proof."""

    secret_id: str
    #: Unix time, as the request has it
    timestamp: str
    signature: str
    #: for a secret key, the signatures that would be right
    expected: Callable[[str], Iterable[str]]


def flat_claim(method: str, host: str, path: str, parameters: Mapping[str, str]) -> Claim:
    """The claim in a request with a version 1 signature, its parameters in a query string or a form. Raises Refused."""
    hash_name = parameters.get("SignatureMethod") or "HmacSHA1"
    if hash_name not in HASHES:
        raise Refused(Reason.BAD_VALUE, f"SignatureMethod must be one of {', '.join(HASHES)}")
    return Claim(
        parameters.get("SecretId", ""),
        parameters.get("Timestamp", ""),
        parameters.get("Signature", ""),
        lambda secret_key: [signature_1(secret_key, hash_name, text_to_sign(method, host, path, parameters))],
    )


class Admission:
    """Admits those who hold one of `credentials`."""

    def __init__(self, credentials: Iterable[PullCredential]) -> None:
        self._credentials = {credential.secret_id: credential for credential in credentials}
        self._nobody = PullCredential("", secrets.token_urlsafe(32))

    def caller(self, claim: Claim, now: float) -> PullCredential:
        """The credential that made `claim`, at the time `now`.

        Raises Refused. An unknown SecretId takes as long as a wrong signature, and gets the same words.
        """
        timely = _TIMESTAMP.fullmatch(claim.timestamp) and abs(int(claim.timestamp) - now) <= TIMESTAMP_TOLERANCE
        if not timely:
            raise Refused(Reason.EXPIRED, f"the timestamp must be a Unix time within {TIMESTAMP_TOLERANCE} s of now")
        known = self._credentials.get(claim.secret_id)
        expected = claim.expected((known or self._nobody).secret_key)
        is_good = _is_any(claim.signature, expected)
        if known is None or not is_good:
            reason = Reason.UNKNOWN_CALLER if known is None else Reason.BAD_SIGNATURE
            raise Refused(reason, "SecretId or signature is wrong")
        return known

    def admit(self, caller: PullCredential, sub_app_id: str) -> None:
        """Lets `caller` to its queue, who has asked for `sub_app_id` ("" for none in particular).

        Raises Refused for any other than its own, whether there is such a queue or not.
        """
        if sub_app_id not in ("", caller.queue):
            raise Refused(Reason.NOT_ALLOWED, "this SecretId has no access to that SubAppId")


def _is_any(given: str, expected: Iterable[str]) -> bool:
    """Whether `given` is one of `expected`, in a time that does not tell how nearly."""
    offered = given.encode("utf-8", "replace")
    return any(hmac.compare_digest(offered, one.encode()) for one in expected)
