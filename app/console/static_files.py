"""The style sheet, the script and the icon, at addresses that change with the content, so that browsers may keep them."""

import hashlib
from functools import cache
from importlib.resources import files

from flask import Blueprint, Response, abort, url_for

from app.services import Services

TYPES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@cache
def content(name: str) -> bytes:
    """The bytes of a file. Raises KeyError for a name that is none of TYPES."""
    TYPES[name]
    return files("app.console").joinpath("static", name).read_bytes()


@cache
def version(name: str) -> str:
    """A few digits that are others when the content is another."""
    return hashlib.blake2b(content(name), digest_size=8).hexdigest()


def static_url(name: str) -> str:
    """Where the file is served."""
    return url_for("console.static", version=version(name), name=name)


def add_routes(routes: Blueprint, services: Services) -> None:
    """The files. An old version's address gets the present one, unkept: during a deploy both are asked for."""

    @routes.get("/static/<version>/<name>")
    def static(version: str, name: str) -> Response:
        if name not in TYPES:
            abort(404)
        response = Response(content(name), content_type=TYPES[name])
        is_current = version == globals()["version"](name)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if is_current else "no-store"
        return response
