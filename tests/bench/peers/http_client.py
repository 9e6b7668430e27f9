"""The least HTTP client: one kept-alive connection, JSON out, JSON in. What is measured through it is the server."""

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import orjson


class Connection:
    """A connection that posts to `/` and reads answers that carry a Content-Length."""

    def __init__(self, url: str) -> None:
        server = urlsplit(url)
        self.host = server.netloc
        self._socket = socket.create_connection((server.hostname, server.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get(self, target: str) -> dict:
        """The answer, parsed."""
        return self._exchange(f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())

    def post(self, headers: Mapping[str, str], body: str) -> dict:
        """The answer, parsed."""
        content = body.encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST / HTTP/1.1\r\nHost: {self.host}\r\n{lines}Content-Length: {len(content)}\r\n\r\n"
        return self._exchange(head.encode() + content)

    def _exchange(self, request: bytes) -> dict:
        self._socket.sendall(request)
        received = self._more()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        fields = received[:end].lower()
        _, found, length = fields.partition(b"\r\ncontent-length:")
        if not found:
            raise RuntimeError(f"no Content-Length: {fields.decode(errors='replace')}")
        total = end + 4 + int(length.split(b"\r\n", 1)[0])
        parts, size = [received], len(received)
        while size < total:
            parts.append(self._more())
            size += len(parts[-1])
        return orjson.loads(memoryview(b"".join(parts))[end + 4 :] or b"{}")

    def _more(self) -> bytes:
        data = self._socket.recv(262144)
        if not data:
            raise RuntimeError("the server closed the connection")
        return data
