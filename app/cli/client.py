"""One kept-alive HTTP connection to transcode-inbox, for the commands that talk to it."""

import http.client
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import click


class NotReachableError(click.ClickException):
    """Nobody answered at that address."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def described(self) -> str:
        """The status and the beginning of the body, for a sentence."""
        return f"The answer was {self.status}: {self.body[:200].decode(errors='replace').strip() or 'nothing'}"

    def json(self) -> Any:
        """The decoded body. Raises ClickException if it is no JSON, as an unrelated server's is not."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise click.ClickException(
                f"The server answered {self.status} with something that is not JSON; is that transcode-inbox?"
            ) from None


class Client:
    """HTTP to one base URL, `timeout` seconds an answer."""

    def __init__(self, base_url: str, *, timeout: float) -> None:
        self.base_url = base_url
        parts = urlsplit(base_url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        self._prefix = parts.path
        self._fresh = True
        #: What a signature has to name: the Host header as it is sent.
        self.host = parts.netloc.rpartition("@")[2]

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask, and wait for the whole answer. Raises NotReachableError.

        A kept-alive connection that the server closed meanwhile is opened again, once; so a request may
        arrive twice.
        """
        reused = not self._fresh
        try:
            return self._request(method, path, body, headers or {})
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError) as error:
            self.close()
            if not reused:
                raise self._not_reachable(error) from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._not_reachable(error) from None
        try:
            return self._request(method, path, body, headers or {})
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._not_reachable(error) from None

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()
        self._fresh = True

    def _request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        self._connection.request(method, self._prefix + path, body=body, headers={"Host": self.host, **headers})
        if self._fresh and self._connection.sock is not None:
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        response = self._connection.getresponse()
        answer = Answer(response.status, response.read())
        self._fresh = False
        return answer

    def _not_reachable(self, error: Exception) -> NotReachableError:
        if isinstance(error, TimeoutError):
            reason = "no answer in time"
        elif isinstance(error, http.client.RemoteDisconnected):
            reason = "it closed the connection without an answer"
        else:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return NotReachableError(f"transcode-inbox is not reachable at {self.base_url}: {reason}.")


class BaseURL(click.ParamType[str]):
    """An option's value: the address of a transcode-inbox, without the slash at its end."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check `value`; a wrong one is bad usage."""
        try:
            parts = urlsplit(value)
            port_is_number = parts.port is None or parts.port > 0
        except ValueError:
            port_is_number = False
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_number:
            self.fail(f"{value!r} is not an address such as http://127.0.0.1:8080", param, ctx)
        if parts.query or parts.fragment:
            self.fail(f"{value!r} has more than an address and a path", param, ctx)
        return str(value).rstrip("/")


def default_url() -> str:
    """Where `run` on this machine listens, by PORT. Raises UsageError if that is no port."""
    port = os.environ.get("PORT") or "8080"
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise click.UsageError(f"PORT must be a whole number from 1 to 65535, not {port}.")
    return f"http://127.0.0.1:{port}"


url_option = click.option(
    "--url",
    type=BaseURL(),
    default=default_url,
    show_default="http://127.0.0.1:$PORT",
    help="Where transcode-inbox is.",
)
