"""The front: what is asked for thousands of times a second is answered before Flask: callbacks, and the pull APIs.

An answerer takes a Request and gives a Reply, and knows no server. `Front` brings it requests from any WSGI server;
`app.gunicorn_worker`, from gunicorn's connections themselves.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from app.requests import Answerer, Request


class Front:
    """A WSGI application: some paths go to an answerer, every other request to `app`."""

    #: makes a request, for servers that bring them some other way than WSGI
    new_request = Request

    def __init__(
        self,
        app: WSGIApplication,
        *,
        below: Mapping[str, Answerer],
        at: Mapping[str, Answerer],
        draining: Callable[[], bool] = lambda: False,
    ) -> None:
        """`below` names beginnings of paths, `at` whole ones. While `draining`, every answer ends its connection."""
        self.draining = draining
        self._app = app
        self._below = tuple(below.items())
        self._at = dict(at)

    def answerer(self, path: str) -> Answerer | None:
        """Whoever answers requests for `path` in front of the application, if anyone."""
        for beginning, answerer in self._below:
            if path.startswith(beginning):
                return answerer
        return self._at.get(path)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if self.draining():
            start_response = _last(start_response)
        answerer = self.answerer(path)
        if answerer is None:
            return self._app(environ, start_response)
        length = environ.get("CONTENT_LENGTH")
        ends_by_itself = not length and environ.get("wsgi.input_terminated")
        request = Request(
            environ["REQUEST_METHOD"],
            path,
            environ.get("QUERY_STRING", "").encode("latin-1"),
            lambda: _headers(environ),
            None if ends_by_itself else int(length or 0),
            environ["wsgi.input"].read,
        )
        reply = answerer(request)
        start_response(reply.status, reply.all_headers)
        return (reply.body,)


def _last(start_response: StartResponse) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start_response(status, [*headers, ("Connection", "close")], *rest)

    return start


def _headers(environ: WSGIEnvironment) -> Iterable[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield name[5:].replace("_", "-"), value
        elif name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            yield name.replace("_", "-"), value
