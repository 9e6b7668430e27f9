"""gunicorn's gevent worker, with the front's answerers on the connection itself.

For a callback, building a WSGI environment, writing a response through it and sending that in two pieces is half of the work.
This worker takes such requests as gunicorn has parsed them, and answers in one write; everything else, and whatever is in any
way unusual, goes gunicorn's own way to the same answerers.
"""

import time
from email.utils import formatdate
from socket import MSG_DONTWAIT, MSG_PEEK
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import gevent
from gevent import Timeout
from gunicorn.workers.ggevent import GeventWorker

from app import draining

if TYPE_CHECKING:
    # Not at run time: what it brings must not be loaded before gevent has patched the worker.
    from app.front import Front
    from app.requests import Reply

#: Seconds a body may take to arrive. The vendors give up after 5 themselves; this only bounds what a stranger can hold open.
BODY_TIMEOUT = 120


class FrontWorker(GeventWorker):  # type: ignore[misc]  # gunicorn carries no types
    """Serves an application whose `wsgi_app` is an `app.front.Front`."""

    def handle_exit(self, sig: Any, frame: Any) -> None:
        """SIGTERM: drains, and lets gunicorn stop a while later. May not wait, so that is another greenlet's."""
        gevent.spawn(self._drain, sig, frame)

    def _drain(self, sig: Any, frame: Any) -> None:
        self.wsgi.extensions["transcode-inbox"].drain()
        gevent.sleep(draining.SECONDS)
        super().handle_exit(sig, frame)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Answers one request; raises StopIteration where the connection ends after it, as gunicorn's own does."""
        front: Front = self.wsgi.wsgi_app
        path = req.path
        if "%" in path:
            path = unquote_to_bytes(path).decode("latin-1")
        answerer = front.answerer(path)
        plain = req.method in ("GET", "POST") and req.version == (1, 1) and not req._expected_100_continue
        if answerer is None or not plain:
            return super().handle_request(listener_name, req, sock, addr)
        body = _Body(req)
        query = req.query.encode("latin-1")
        request = front.new_request(
            req.method, path, query, lambda: req.headers, body.length, body.read, lambda: _hung_up(sock)
        )
        reply = answerer(request)
        # What is left of a body that broke off cannot be told from a next request.
        ends = body.broke_off or not self.alive or front.draining() or req.should_close()
        sock.sendall(_to_bytes(reply, ends))
        if ends:
            raise StopIteration
        return True


class _Body:
    """The body of a request that gunicorn has parsed."""

    def __init__(self, req: Any) -> None:
        self._body = req.body
        self.broke_off = False
        #: as announced; None if it is chunked. gunicorn has made sure that it is not both, and a number
        self.length: int | None = 0
        for name, value in req.headers:
            if name == "CONTENT-LENGTH":
                self.length = int(value)
            elif name == "TRANSFER-ENCODING":
                self.length = None
                break

    def read(self, size: int) -> bytes:
        self.broke_off = True
        with Timeout(BODY_TIMEOUT, TimeoutError):
            body: bytes = self._body.read(size)
        self.broke_off = self.length is not None and len(body) < self.length
        return body


def _hung_up(sock: Any) -> bool:
    """Whether the client has closed its end. One that has sent its next request already is there."""
    try:
        # Not gevent's own `recv`, which would wait where there is nothing to read.
        return not sock._sock.recv(1, MSG_PEEK | MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


class _Date:
    """The Date header, made once a second."""

    second = 0
    line = b""


def _to_bytes(reply: "Reply", ends: bool) -> bytes:
    now = int(time.time())
    if now != _Date.second:
        _Date.second, _Date.line = now, f"Date: {formatdate(now, usegmt=True)}\r\n".encode()
    extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers) if reply.headers else ""
    connection = "close" if ends else "keep-alive"
    head = (
        f"HTTP/1.1 {reply.status}\r\nContent-Type: application/json\r\nContent-Length: {len(reply.body)}\r\n"
        f"{extra}Connection: {connection}\r\n"
    )
    return b"%b%b\r\n%b" % (head.encode("latin-1"), _Date.line, reply.body)
