"""transcode-inbox by the legacy API with the least HTTP client: PullEvent and ConfirmEvent, each signed."""

import base64
import hashlib
import hmac
import os
import time
from urllib.parse import quote

import consumers
from http_client import Connection

SECRET_ID, SECRET_KEY = os.environ.get("SECRET_ID", ""), os.environ.get("SECRET_KEY", "").encode()
PATH = "/v2/index.php"


def connect() -> consumers.Take:
    """A consumer."""
    connection = Connection(consumers.URL)

    def call(action: str, handles: list[str]) -> dict:
        pairs = [("Action", action), ("Nonce", "1"), ("SecretId", SECRET_ID), ("SignatureMethod", "HmacSHA256")]
        pairs += [("Timestamp", str(int(time.time())))]
        pairs += sorted((f"msgHandle.{number}", handle) for number, handle in enumerate(handles))
        # Nothing in it needs percent-encoding, handles included; the signature does.
        query = "&".join(f"{name}={value}" for name, value in pairs)
        text = f"GET{connection.host}{PATH}?{query}"
        signature = base64.b64encode(hmac.digest(SECRET_KEY, text.encode(), hashlib.sha256)).decode()
        answer = connection.get(f"{PATH}?{query}&Signature={quote(signature, safe='')}")
        if answer["code"] not in (0, 4000):
            raise RuntimeError(f"{action}: {answer}")
        return answer

    def take() -> int:
        handles = [event["msgHandle"] for event in call("PullEvent", []).get("eventList", ())]
        if handles:
            call("ConfirmEvent", handles)
        return len(handles)

    return take


if __name__ == "__main__":
    consumers.main(None, connect)
