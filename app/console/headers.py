"""What every answer of the console tells the browser not to do."""

from flask import Blueprint, Response, g

#: Everything comes from here, nothing is inline, nothing frames it. Pictures are added by an event's page, host by host.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{pictures}; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def allow_pictures(origins: list[str]) -> None:
    """Lets the page that is being answered show pictures from these origins: `https://host` or `http://host:port`."""
    g.picture_origins = origins


def register(routes: Blueprint) -> None:
    """Puts the headers on every answer of `routes`."""

    @routes.after_request
    def guard(response: Response) -> Response:
        pictures = "".join(f" {origin}" for origin in g.get("picture_origins", ()))
        response.headers["Content-Security-Policy"] = POLICY.format(pictures=pictures)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers.setdefault("Cache-Control", "no-store")
        return response
