"""`python -m tests.bench.pollers URL COUNT`: so many clients that long-poll for events, each on its own connection."""

import asyncio
import base64
import hashlib
import hmac
import sys
import time
from urllib.parse import urlencode, urlsplit

from tests.bench.contestants import SECRET_ID, SECRET_KEY

PATH = "/v2/index.php"


def request(host: str) -> bytes:
    """A signed PullEvent, good for five minutes."""
    query = {
        "Action": "PullEvent",
        "SecretId": SECRET_ID,
        "SignatureMethod": "HmacSHA256",
        "Timestamp": str(int(time.time())),
    }
    text = f"GET{host}{PATH}?" + "&".join(f"{name}={query[name]}" for name in sorted(query))
    query["Signature"] = base64.b64encode(hmac.digest(SECRET_KEY.encode(), text.encode(), hashlib.sha256)).decode()
    return f"GET {PATH}?{urlencode(query)} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


async def poll(host: str, port: int, asking: bytes, begin: float) -> None:
    """Asks again and again, from `begin` seconds on; whatever comes is left unconfirmed."""
    await asyncio.sleep(begin)
    reader, writer = await asyncio.open_connection(host, port)
    while True:
        writer.write(asking)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise SystemExit(f"a waiting client was refused: {head!r}")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        await reader.readexactly(length)


async def main(url: str, count: int) -> None:
    server = urlsplit(url)
    asking = request(server.netloc)
    async with asyncio.TaskGroup() as pollers:
        for number in range(count):
            # Clients of many programs do not ask in step: they are spread over the five seconds of a long poll.
            pollers.create_task(poll(server.hostname or "", server.port or 80, asking, 5 * number / count))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
