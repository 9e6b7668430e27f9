"""TLS in front of a plain HTTP server, vouched for by a throw-away authority: for clients that know only HTTPS."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOST = "localhost"


@dataclass(frozen=True)
class TlsFront:
    """Where it listens, as `host:port`, and the certificate of who vouches for it."""

    host: str
    authority: Path


def can_make_certificates() -> bool:
    """Whether there is an `openssl` command."""
    return shutil.which("openssl") is not None


@contextlib.contextmanager
def tls_front(directory: Path, port: int) -> Iterator[TlsFront]:
    """Takes TLS connections and passes what comes through them, byte for byte, to 127.0.0.1:`port` and back."""
    authority, certificate, key = _certificates(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, port), daemon=True).start()
        yield TlsFront(f"{HOST}:{listener.getsockname()[1]}", authority)


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with contextlib.suppress(OSError):  # the listener is closed when it is over
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, context, port), daemon=True).start()


def _serve(connection: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(connection, server_side=True) as client,
        socket.create_connection(("127.0.0.1", port)) as server,
    ):
        # The clients are of HTTP's question-and-answer kind: one thread does for each direction.
        threading.Thread(target=_copy, args=(server, client), daemon=True).start()
        _copy(client, server)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _certificates(directory: Path) -> tuple[Path, Path, Path]:
    authority, authority_key = directory / "authority.pem", directory / "authority.key"
    certificate, key, request = directory / "server.pem", directory / "server.key", directory / "server.csr"
    names = directory / "names.cnf"
    names.write_text(f"subjectAltName=DNS:{HOST}\n")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl("req", "-x509", *new, "-subj", "/CN=a throw-away authority", "-keyout", authority_key, "-out", authority)
    _openssl("req", *new, "-subj", f"/CN={HOST}", "-keyout", key, "-out", request)
    signed_by = ("-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-extfile", names)
    _openssl("x509", "-req", "-in", request, *signed_by, "-days", "1", "-out", certificate)
    return authority, certificate, key


def _openssl(*arguments: str | Path) -> None:
    made = subprocess.run(("openssl", *map(str, arguments)), capture_output=True, text=True, timeout=20)
    assert made.returncode == 0, made.stderr
