"""One attempt to deliver something by HTTP, as Standard Webhooks wants it: signed, within a time, redirects not followed."""

import asyncio
import ssl
import time
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from schemas.webhook import headers
from workers.outcome import Outcome
from workers.retries import retry_after

#: Seconds an attempt may take in all: the look-up of the name, connecting, and the answer, however slowly it drips.
TIMEOUT = 15.0
#: Seconds that connecting may take of them.
CONNECT_TIMEOUT = 5.0
#: Bytes of an answer that are read, and those of them that are kept.
MOST_READ, MOST_KEPT = 4096, 500
#: Seconds an idle connection is kept for the next delivery.
KEPT_ALIVE = 30.0

#: Answers whose `Retry-After` is obeyed.
SLOW_DOWN = (429, 503)


def make_client() -> httpx.AsyncClient:
    """A connection pool for all destinations.

    It has no limit of its own: who sends has one, and a pool that is full loses a place for good when an attempt that waits
    for one is given up (httpcore #1093). Certificates are checked against httpx's list and the system's. Cookies are not kept.
    """
    trusted = httpx.create_ssl_context(trust_env=False)
    trusted.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return httpx.AsyncClient(
        verify=trusted,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TIMEOUT, connect=CONNECT_TIMEOUT),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=KEPT_ALIVE),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )


async def post(
    client: httpx.AsyncClient,
    url: str,
    *,
    message_id: str,
    body: bytes,
    secret: str,
    test: bool = False,
    timeout: float = TIMEOUT,
) -> Outcome:
    """Posts `body`, signed as it is sent. Never raises but when cancelled. A `test` says so in a header."""
    began = time.monotonic()
    status, answer, wait = None, b"", None
    try:
        signed = headers(message_id, body, secret, datetime.now(UTC)) | {"accept-encoding": "identity"}
        if test:
            signed["transcode-inbox-test"] = "true"
        async with (
            asyncio.timeout(timeout),
            client.stream("POST", url, content=body, headers=signed) as response,
        ):
            status = response.status_code
            if status in SLOW_DOWN:
                wait = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) >= MOST_READ:
                    break
    except Exception as error:
        if status is None:
            return Outcome(time.monotonic() - began, error=_sentence(error, timeout))
        # The status was there in time, and it is what counts, whatever became of the rest.
    kept = answer[:MOST_KEPT].decode("utf-8", "replace")
    seconds = time.monotonic() - began
    return Outcome(seconds, status, kept, None if 200 <= status < 300 else _refusal(status), wait)


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"it answered {status}, a redirect, which is not followed"
    return f"it answered {status}"


def _sentence(error: Exception, timeout: float) -> str:
    """Why there was no answer. Never with the URL in it, which may hold a secret."""
    match error:
        case TimeoutError() | httpx.ReadTimeout() | httpx.WriteTimeout():
            return f"no answer within {timeout:g} s"
        case httpx.ConnectTimeout():
            return f"no connection within {CONNECT_TIMEOUT:g} s"
        case httpx.ConnectError():
            return f"no connection: {str(error)[:200] or 'refused'}"
        case httpx.RemoteProtocolError():
            return f"no HTTP answer: {str(error)[:200]}"
        case httpx.ReadError() | httpx.WriteError():
            return "the connection was cut before an answer"
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return "its URL cannot be used"
    return f"{type(error).__name__}"
