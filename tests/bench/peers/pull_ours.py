"""transcode-inbox by API 3.0 with the least HTTP client: PullEvents and ConfirmEvents, each signed."""

import hashlib
import hmac
import json
import os
import time

import consumers
from http_client import Connection

SECRET_ID, SECRET_KEY = os.environ.get("SECRET_ID", ""), os.environ.get("SECRET_KEY", "")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _authorization(host: str, body: str, timestamp: int) -> str:
    date = time.strftime("%Y-%m-%d", time.gmtime(timestamp))
    digest = hashlib.sha256(body.encode()).hexdigest()
    canonical = f"POST\n/\n\ncontent-type:application/json\nhost:{host}\n\ncontent-type;host\n{digest}"
    scope = f"{date}/vod/tc3_request"
    to_sign = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = _hmac(_hmac(_hmac(f"TC3{SECRET_KEY}".encode(), date), "vod"), "tc3_request")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    credential = f"Credential={SECRET_ID}/{scope}"
    return f"TC3-HMAC-SHA256 {credential}, SignedHeaders=content-type;host, Signature={signature}"


def connect() -> consumers.Take:
    """A consumer."""
    connection = Connection(consumers.URL)

    def call(action: str, **parameters) -> dict:
        body = json.dumps(parameters)
        timestamp = int(time.time())
        headers = {
            "Authorization": _authorization(connection.host, body, timestamp),
            "Content-Type": "application/json",
            "X-TC-Action": action,
            "X-TC-Timestamp": str(timestamp),
            "X-TC-Version": "2018-07-17",
        }
        answer = connection.post(headers, body)
        if "Error" in answer.get("Response", {"Error": None}):
            raise RuntimeError(f"{action}: {answer}")
        return answer["Response"]

    confirm = os.environ.get("CONFIRM", "yes") == "yes"

    def take() -> int:
        handles = [event["EventHandle"] for event in call("PullEvents")["EventSet"]]
        if handles and confirm:
            call("ConfirmEvents", EventHandles=handles)
        return len(handles)

    return take


if __name__ == "__main__":
    consumers.main(None, connect)
