"""The vendor's signatures. Version 1 is that of the legacy API and of old 3.0 clients, TC3-HMAC-SHA256 that of new ones.

Pages: "签名方法" (https://cloud.tencent.com/document/product/215/1693) and "签名方法 v3"
(https://cloud.tencent.com/document/product/266/31756), whose examples are among the tests.
"""

import base64
import functools
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.pull.parameters import to_bytes

#: Names that `SignatureMethod` may have.
HASHES = {"HmacSHA1": hashlib.sha1, "HmacSHA256": hashlib.sha256}
#: Headers that a TC3 signature must cover.
MUST_BE_SIGNED = frozenset({"content-type", "host"})

_ALGORITHM = "TC3-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM}\s+Credential=(?P<secret_id>[^,\s]+)/(?P<date>[0-9-]{{10}})/(?P<service>[^/,\s]+)/tc3_request\s*,"
    r"\s*SignedHeaders=(?P<signed>[A-Za-z0-9_;-]+)\s*,\s*Signature=(?P<signature>[0-9A-Fa-f]{64})"
)
_PORT = re.compile(r":[0-9]+$")


def text_to_sign(method: str, host: str, path: str, parameters: Mapping[str, str]) -> bytes:
    """What a version 1 signature is over: values as they are, not percent-encoded; `_` in names read as `.`; sorted by name."""
    named = sorted(
        (to_bytes(name.replace("_", ".")), to_bytes(value)) for name, value in parameters.items() if name != "Signature"
    )
    pairs = b"&".join(b"%b=%b" % pair for pair in named)
    return b"%b%b%b?%b" % (method.encode(), host.encode("latin-1", "replace"), path.encode(), pairs)


def signature_1(secret_key: str, hash_name: str, text: bytes) -> str:
    """The version 1 signature, in base64. Raises KeyError for a hash that is not one of HASHES."""
    return base64.b64encode(hmac.digest(secret_key.encode(), text, HASHES[hash_name])).decode()


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a TC3 Authorization header says."""

    secret_id: str
    date: str
    #: "vod" from the Python SDK; from the one for Node the endpoint's first label, whatever that is
    service: str
    signed_headers: tuple[str, ...]
    signature: str


def read_authorization(header: str) -> Authorization | None:
    """The header in parts; None if it is not in the vendor's form or leaves out a header that must be signed."""
    match = _AUTHORIZATION.fullmatch(header.strip())
    if match is None:
        return None
    signed = tuple(match["signed"].lower().split(";"))
    if not set(signed) >= MUST_BE_SIGNED:
        return None
    return Authorization(match["secret_id"], match["date"], match["service"], signed, match["signature"].lower())


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What a TC3 signature is over, exactly as it was received. The path is `/`: this API has no other."""

    method: str
    query: bytes
    #: by lower-case name
    headers: Mapping[str, str]
    body: bytes
    timestamp: str


def tc3_signatures(secret_key: str, authorization: Authorization, request: SignedRequest) -> Iterator[str]:
    """Every signature that counts as good for `request`, in hexadecimal.

    There are several because the vendor's own clients read headers differently: its page makes values lower-case, its Python
    SDK leaves them as they are, and its SDK for Node leaves out the port of a host that it sends with one.
    """
    key = _signing_key(secret_key, authorization.date, authorization.service)
    scope = f"{authorization.date}/{authorization.service}/tc3_request"
    payload = hashlib.sha256(request.body).hexdigest()
    names = ";".join(authorization.signed_headers)
    for headers in _header_readings(authorization.signed_headers, request.headers):
        canonical = b"%b\n/\n%b\n%b\n%b\n%b" % (
            request.method.encode(),
            request.query,
            headers.encode("latin-1", "replace"),
            names.encode(),
            payload.encode(),
        )
        text = f"{_ALGORITHM}\n{request.timestamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
        yield hmac.digest(key, text.encode(), hashlib.sha256).hex()


@functools.lru_cache(maxsize=64)
def _signing_key(secret_key: str, date: str, service: str) -> bytes:
    """The same for all of a client's requests of a day."""
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    return key


def date_of(timestamp: int) -> str:
    """The date that a TC3 credential must name for this Unix time: the one in UTC."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")


def _header_readings(names: tuple[str, ...], headers: Mapping[str, str]) -> list[str]:
    sent = {name: headers.get(name, "").strip() for name in names}
    portless = {**sent, "host": _PORT.sub("", sent["host"])}
    as_they_are = ["".join(f"{name}:{values[name]}\n" for name in names) for values in (sent, portless)]
    return list(dict.fromkeys(as_they_are + [reading.lower() for reading in as_they_are]))
