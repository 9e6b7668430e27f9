"""A sender at full speed that remembers what it was told."""

import itertools
import socket
import threading
import time
from types import TracebackType

from tests.chaos.numbered import callback


class Sender:
    """Posts numbered callbacks over keep-alive connections, each number once, until it is stopped.

    `acknowledged` are answered 200, `refused` 503; `unknown` are those whose connection was cut before an answer.
    """

    def __init__(self, port: int, connections: int = 6, first: int = 0) -> None:
        self._port = port
        self._numbers = itertools.count(first)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]
        self.acknowledged: list[int] = []
        self.refused: list[int] = []
        self.unknown: list[int] = []
        self.other: list[tuple[int, bytes]] = []
        #: seconds of the slowest answer
        self.slowest = 0.0
        #: by time.monotonic(): when each answer 200 came
        self.last_acknowledged = 0.0

    def __enter__(self) -> "Sender":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive(), "an answer never came"

    @property
    def posted(self) -> int:
        return len(self.acknowledged) + len(self.refused) + len(self.unknown)

    def _run(self) -> None:
        connection: socket.socket | None = None
        while not self._stop.is_set():
            if connection is None:
                try:
                    connection = socket.create_connection(("127.0.0.1", self._port), timeout=15)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                except OSError:
                    time.sleep(0.02)
                    continue
            number = next(self._numbers)
            began = time.monotonic()
            try:
                status = _post(connection, number)
            except OSError:
                self.unknown.append(number)
                connection.close()
                connection = None
                continue
            self.slowest = max(self.slowest, time.monotonic() - began)
            if status == b"200":
                self.acknowledged.append(number)
                self.last_acknowledged = time.monotonic()
            elif status == b"503":
                self.refused.append(number)
                time.sleep(0.01)
            else:
                self.other.append((number, status))
        if connection is not None:
            connection.close()


def _post(connection: socket.socket, number: int) -> bytes:
    """The status of the answer. Raises OSError if there is none, or half of one."""
    source, body = callback(number)
    head = f"POST /callbacks/{source} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _receive(connection)
    head_bytes, _, rest = answer.partition(b"\r\n\r\n")
    length = next(
        int(line.partition(b":")[2])
        for line in head_bytes.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    )
    while len(rest) < length:
        rest += _receive(connection)
    return head_bytes.split(b" ", 2)[1]


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("closed")
    return data
