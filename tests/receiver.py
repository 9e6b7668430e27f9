"""A team's HTTP server that receives deliveries: it keeps every request, and checks each with the standardwebhooks library."""

import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from tests.running import free_port


@dataclass
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: bytes
    #: by time.monotonic()
    at: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str) -> Any:
        """The document, once its signature has been found right. Raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)


#: Status, headers and body; or None to never answer.
Answer = tuple[int, Mapping[str, str], bytes] | None


def fine(_: Request) -> Answer:
    return 200, {}, b"ok"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """A connection cut by a test is no news."""


class Receiver:
    """Answers every request as `answer` says. It can be stopped, and started again at the same address."""

    def __init__(self, answer: Callable[[Request], Answer] = fine) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self._server: _Server | None = None
        self._over = threading.Event()
        self._connections: list[socket.socket] = []

    @property
    def ids(self) -> list[str]:
        return [request.id for request in list(self.requests)]

    def start(self) -> None:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def setup(self) -> None:
                super().setup()
                receiver._connections.append(self.connection)

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    # Whoever sent it was killed meanwhile.
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, body)
                receiver.requests.append(request)
                answer = receiver.answer(request)
                if answer is None:
                    receiver._over.wait(60)
                    self.close_connection = True
                    return
                status, more, content = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        while self._connections:
            with suppress(OSError):
                self._connections.pop().shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "Receiver":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.stop()


@contextmanager
def speaking(script: Callable[[socket.socket], None]) -> Iterator[str]:
    """The URL of a server that says what `script` sends, byte by byte if it likes, to whoever connects."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_speak, args=(connection, script), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    listener.close()


def _speak(connection: socket.socket, script: Callable[[socket.socket], None]) -> None:
    with connection, suppress(OSError):
        script(connection)
