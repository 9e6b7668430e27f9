"""Clients of the two pull APIs, signing as the vendor documents; written from the client's side of PULL.md.

Both hold one kept-alive connection and offer the same two calls: `pull()` and `confirm(handles)`.
"""

import base64
import hashlib
import hmac
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode

import click

from app.cli.client import Answer, Client
from schemas.settings import PullCredential

#: Seconds for one answer: the server waits up to 5 s for the first event.
TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Pulled:
    """One event: what to confirm, and what to print."""

    handle: str
    event: Any


class NotConfirmedError(Exception):
    """The server refused at least one handle; that event will come again. The message is the server's."""


class PullClient(Protocol):
    """What both generations of the API can do."""

    def pull(self) -> list[Pulled]:
        """At most 16 events; none if nothing came within the long poll. Raises ClickException."""

    def confirm(self, handles: Sequence[str]) -> None:
        """Confirm at most 16. Raises NotConfirmedError, ClickException."""


class LegacyPullClient:
    """The "v2" API: `POST /v2/index.php`, HmacSHA256.

    Source: the vendor's page on PullEvent, and "签名方法" (v2), whose example is among the tests.
    """

    def __init__(self, url: str, credential: PullCredential) -> None:
        self._client = Client(url, timeout=TIMEOUT)
        self._credential = credential

    def pull(self) -> list[Pulled]:
        """See PullClient. Code 4000 is how this API says "nothing"."""
        answer = self._call("PullEvent", {})
        if answer.get("code") == 4000:
            return []
        _expect_success(answer)
        return [Pulled(str(one["msgHandle"]), one["eventContent"]) for one in answer.get("eventList") or ()]

    def confirm(self, handles: Sequence[str]) -> None:
        """See PullClient."""
        answer = self._call("ConfirmEvent", {f"msgHandle.{n}": handle for n, handle in enumerate(handles)})
        if answer.get("code") == 4000:
            raise NotConfirmedError(str(answer.get("message")))
        _expect_success(answer)

    def _call(self, action: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        path = "/v2/index.php"
        signed = {
            "Action": action,
            "SecretId": self._credential.secret_id,
            "Timestamp": str(int(time.time())),
            "Nonce": str(random.randint(1, 2**31 - 1)),  # noqa: S311 - not a secret
            "SignatureMethod": "HmacSHA256",
            "Region": "gz",
            **({"SubAppId": str(self._credential.sub_app_id)} if self._credential.sub_app_id else {}),
            **parameters,
        }
        signed["Signature"] = legacy_signature(self._credential.secret_key, "POST", self._client.host, path, signed)
        answer = _decoded(
            self._client.request(
                "POST",
                path,
                body=urlencode(signed).encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
        )
        if not isinstance(answer, dict) or "code" not in answer:
            raise click.ClickException(f"The pull API gave an answer without a code: {answer!r:.200}")
        return answer


class PullClient3:
    """API 3.0: `POST /` with TC3-HMAC-SHA256, version 2018-07-17.

    Source: the vendor's page on PullEvents, and "签名方法 v3", whose example is among the tests.
    """

    def __init__(self, url: str, credential: PullCredential) -> None:
        self._client = Client(url, timeout=TIMEOUT)
        self._credential = credential

    def pull(self) -> list[Pulled]:
        """See PullClient."""
        answer = self._call("PullEvents", {})
        _raise_error(answer)
        return [Pulled(str(one["EventHandle"]), one) for one in answer.get("EventSet") or ()]

    def confirm(self, handles: Sequence[str]) -> None:
        """See PullClient."""
        answer = self._call("ConfirmEvents", {"EventHandles": list(handles)})
        if "Error" in answer and str(answer["Error"].get("Code")).startswith("InvalidParameterValue"):
            raise NotConfirmedError(str(answer["Error"].get("Message")))
        _raise_error(answer)

    def _call(self, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if self._credential.sub_app_id:
            parameters = {"SubAppId": self._credential.sub_app_id, **parameters}
        body = json.dumps(parameters).encode()
        now = int(time.time())
        answer = self._client.request(
            "POST",
            "/",
            body=body,
            headers={
                "Content-Type": "application/json",
                "Authorization": tc3_authorization(
                    self._credential.secret_id,
                    self._credential.secret_key,
                    service="vod",
                    host=self._client.host,
                    content_type="application/json",
                    payload=body,
                    timestamp=now,
                ),
                "X-TC-Action": action,
                "X-TC-Version": "2018-07-17",
                "X-TC-Timestamp": str(now),
                "X-TC-Language": "en-US",
            },
        )
        document = _decoded(answer)
        response = document.get("Response") if isinstance(document, dict) else None
        if not isinstance(response, dict):
            raise click.ClickException(f"The pull API gave an answer without a Response: {document!r:.200}")
        return response


def legacy_signature(secret_key: str, method: str, host: str, path: str, parameters: Mapping[str, str]) -> str:
    """The v2 signature, HmacSHA256: sorted by name, values not percent-encoded, `_` in names read as `.`."""
    pairs = "&".join(f"{key.replace('_', '.')}={parameters[key]}" for key in sorted(parameters))
    digest = hmac.digest(secret_key.encode(), f"{method}{host}{path}?{pairs}".encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def tc3_authorization(
    secret_id: str,
    secret_key: str,
    *,
    service: str,
    host: str,
    content_type: str,
    payload: bytes,
    timestamp: int,
) -> str:
    """The Authorization header of TC3-HMAC-SHA256 for `POST /`, signing content-type and host."""
    date = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    scope = f"{date}/{service}/tc3_request"
    canonical = "\n".join(
        (
            "POST",
            "/",
            "",
            f"content-type:{content_type}",
            f"host:{host.lower()}",
            "",
            "content-type;host",
            hashlib.sha256(payload).hexdigest(),
        )
    )
    to_sign = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.digest(key, to_sign.encode(), hashlib.sha256).hex()
    credential = f"Credential={secret_id}/{scope}"
    return f"TC3-HMAC-SHA256 {credential}, SignedHeaders=content-type;host, Signature={signature}"


def _decoded(answer: Answer) -> Any:
    """The JSON of an answer; both APIs answer 200 in every case, so anything else is not theirs."""
    if answer.status != 200:
        raise click.ClickException(f"There is no such pull API at this address. {answer.described()}")
    return answer.json()


def _expect_success(answer: Mapping[str, Any]) -> None:
    if answer["code"] != 0:
        raise click.ClickException(
            f"The pull API answered {answer['code']}: {answer.get('message') or 'no reason given'}"
        )


def _raise_error(response: Mapping[str, Any]) -> None:
    if error := response.get("Error"):
        raise click.ClickException(f"The pull API answered {error.get('Code')}: {error.get('Message')}")
