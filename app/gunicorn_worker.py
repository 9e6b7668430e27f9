"""gunicorn's gevent worker, with the ingress on the connection itself.

For a callback, building a WSGI environment, writing a response through it and sending that in two pieces is half of the work.
This worker answers callbacks from the parsed request, in one write; everything else, and every callback that is in any way
unusual, goes gunicorn's own way to the same `Ingress`.
"""

import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from gevent import Timeout
from gunicorn.workers.ggevent import GeventWorker

if TYPE_CHECKING:
    # Not at run time: what it brings must not be loaded before gevent has patched the worker.
    from app.callbacks import Ingress, Reply

#: Seconds a body may take to arrive. The vendors give up after 5 themselves; this only bounds what a stranger can hold open.
BODY_TIMEOUT = 120


class IngressWorker(GeventWorker):  # type: ignore[misc]  # gunicorn carries no types
    """Serves an application whose `wsgi_app` is an `app.callbacks.IngressInFront`."""

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Answers one request; raises StopIteration where the connection ends after it, as gunicorn's own does."""
        ingress: Ingress = self.wsgi.wsgi_app.ingress
        path = req.path
        if not path.startswith(ingress.PREFIX) or req.version != (1, 1) or req._expected_100_continue:
            return super().handle_request(listener_name, req, sock, addr)
        if "%" in path:
            path = unquote_to_bytes(path).decode("latin-1")
        length = _length(req)
        body_ended = True

        def read(size: int) -> bytes:
            nonlocal body_ended
            body_ended = False
            with Timeout(BODY_TIMEOUT, TimeoutError):
                body: bytes = req.body.read(size)
            body_ended = length is None or len(body) == length
            return body

        reply = ingress.answer(req.method, path, length, read)
        # What is left of a body that broke off cannot be told from a next request.
        ends = not body_ended or not self.alive or req.should_close()
        sock.sendall(_to_bytes(reply, ends))
        if ends:
            raise StopIteration
        return True


def _length(req: Any) -> int | None:
    """The announced length of the body; None if it is chunked. gunicorn has made sure that it is not both, and a number."""
    length = 0
    for name, value in req.headers:
        if name == "CONTENT-LENGTH":
            length = int(value)
        elif name == "TRANSFER-ENCODING":
            return None
    return length


class _Date:
    """The Date header, made once a second."""

    second = 0
    line = b""


def _to_bytes(reply: "Reply", ends: bool) -> bytes:
    now = int(time.time())
    if now != _Date.second:
        _Date.second, _Date.line = now, f"Date: {formatdate(now, usegmt=True)}\r\n".encode()
    headers = "".join(f"{name}: {value}\r\n" for name, value in reply.all_headers)
    connection = "close" if ends else "keep-alive"
    head = f"HTTP/1.1 {reply.status}\r\n{headers}Connection: {connection}\r\n".encode("latin-1")
    return b"%b%b\r\n%b" % (head, _Date.line, reply.body)
