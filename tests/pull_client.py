"""A client of the legacy pull API, written from the vendor's page and not from our code."""

import base64
import hashlib
import hmac
import random
import time
from typing import Any
from urllib.parse import urlencode

from tests.queue_state import waiting
from tests.running import SECRET_ID, SECRET_KEY, Service


class PullClient:
    def __init__(
        self,
        service: Service,
        secret_id: str = SECRET_ID,
        secret_key: str = SECRET_KEY,
        method: str = "GET",
        sha: str = "HmacSHA256",
    ) -> None:
        self.service, self.secret_id, self.secret_key, self.method, self.sha = (
            service,
            secret_id,
            secret_key,
            method,
            sha,
        )

    def signed(self, action: str, **parameters: Any) -> str:
        query: dict[str, Any] = {
            "Action": action,
            "SecretId": self.secret_id,
            "Timestamp": int(time.time()),
            "Nonce": random.randint(1, 65535),
            "Region": "gz",
            **parameters,
        }
        if self.sha:
            query["SignatureMethod"] = self.sha
        text = "&".join(f"{key.replace('_', '.')}={query[key]}" for key in sorted(query))
        source = f"{self.method}{self.service.host}/v2/index.php?{text}"
        digest = hashlib.sha256 if self.sha == "HmacSHA256" else hashlib.sha1
        query["Signature"] = base64.b64encode(
            hmac.new(self.secret_key.encode(), source.encode(), digest).digest()
        ).decode()
        return urlencode(query)

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        return self.send(self.signed(action, **parameters))

    def send(self, query: str) -> dict[str, Any]:
        if self.method == "GET":
            answer = self.service.get(f"/v2/index.php?{query}")
        else:
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self.service.request("POST", "/v2/index.php", query.encode(), form)
        assert answer.status == 200
        return answer.json

    def pull(self) -> list[dict[str, Any]]:
        """What one call gives; nothing for 4000."""
        answer = self.call("PullEvent")
        assert answer["code"] in (0, 4000), answer
        return answer.get("eventList", [])

    def confirm(self, *handles: str, first: int = 0) -> dict[str, Any]:
        return self.call(
            "ConfirmEvent", **{f"msgHandle.{number}": handle for number, handle in enumerate(handles, first)}
        )

    def drain(self) -> list[dict[str, Any]]:
        """Pulls and confirms until nothing is left; the contents."""
        contents = []
        while waiting(self.service):
            events = self.pull()
            contents += [event["eventContent"] for event in events]
            assert self.confirm(*(event["msgHandle"] for event in events))["code"] == 0
        return contents
