"""A TCP proxy whose connections can be left open and dead: nothing is forwarded any more, nobody is told."""

import contextlib
import socket
import threading
from typing import Any


class BlackHole:
    """Forwards to `port` until `swallow()`; from then on the connections of before are silent, and new ones work."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._era = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        self._era += 1

    def __enter__(self) -> "BlackHole":
        return self

    def __exit__(self, *_: Any) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for ends in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=(*ends, self._era), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, era: int) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if era == self._era:
                    sink.sendall(data)
            if era == self._era:
                sink.shutdown(socket.SHUT_WR)
