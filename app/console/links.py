"""Which addresses may be followed: our own after a form, and a stranger's out of a callback."""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

from flask import url_for

#: Kinds of renditions that are pictures.
PICTURES = frozenset({"cover", "snapshot", "gif"})
#: Pictures one page shows.
MOST_PICTURES = 60
#: A host as a name with a dot in it: what a Content-Security-Policy may repeat, and no name of a machine next door.
_HOST = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]"
)


def safe_path(given: str | None) -> str:
    """The path of the console's that `given` asks for, else its first page: no form sends anybody elsewhere."""
    home = url_for("console.overview")
    if not given or not given.isprintable() or "\\" in given or given.startswith("//"):
        return home
    parts = urlsplit(given)
    inside = parts.path == home or parts.path.startswith(home + "/")
    return given if inside and not parts.scheme and not parts.netloc and ".." not in parts.path else home


def is_link(url: object) -> bool:
    """May this become a link? Only http and https, with a host."""
    parts = _split(url)
    return parts is not None and bool(parts.hostname)


def picture_origin(url: object) -> str | None:
    """The origin a picture may be loaded from, or None where it may not.

    A stranger decides which addresses stand in a callback, and the browser that shows its pictures may stand inside a network
    that the stranger does not reach. So addresses in numbers, names without a dot and other ports than the usual are left alone.
    """
    parts = _split(url)
    if parts is None or parts.username or parts.password or not parts.hostname:
        return None
    try:
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname
    if port not in (None, 80, 443) or not _HOST.fullmatch(host) or _is_local(host):
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")


def origins(urls: Iterable[str]) -> list[str]:
    """The origins of these pictures, each once."""
    return list(dict.fromkeys(origin for url in urls if (origin := picture_origin(url)) is not None))


def _is_local(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.lower().endswith((".localhost", ".local", ".internal", ".lan", ".home.arpa"))
    return True


def _split(url: object) -> SplitResult | None:
    """The parts of an http or https address that is written plainly, else None."""
    if not isinstance(url, str) or len(url) > 2048 or not url.isprintable() or any(c in url for c in " \\\"'<>`"):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") else None
