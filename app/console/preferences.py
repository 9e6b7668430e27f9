"""What a viewer prefers: language and theme. In cookies of their own, so that they outlast a session."""

from flask import Blueprint, Response, g, make_response, redirect, request
from flask.typing import ResponseReturnValue

from app.console.links import safe_path
from app.console.session import came_by_https
from app.services import Services

LANGUAGE, THEME = "language", "theme"
#: What can be chosen; `auto` is what the browser prefers.
CHOICES = {LANGUAGE: ("en", "zh"), THEME: ("auto", "light", "dark")}
#: Seconds a choice is remembered.
REMEMBERED = 365 * 24 * 60 * 60


def language() -> str:
    """`en` or `zh`: what the address says, was chosen before, or the browser prefers.

    Looks at no form: it is asked for a page that says that the form was too large, too.
    """
    if "language" not in g:
        chosen = request.args.get(LANGUAGE) or request.cookies.get(_cookie(LANGUAGE))
        best = request.accept_languages.best_match(("en", "zh", "zh-CN", "zh-Hans", "zh-Hans-CN", "zh-TW", "zh-HK"))
        g.language = chosen if chosen in CHOICES[LANGUAGE] else (best or "en")[:2]
    return str(g.language)


def theme() -> str:
    """`auto`, `light` or `dark`."""
    chosen = request.cookies.get(_cookie(THEME))
    return chosen if chosen in CHOICES[THEME] else "auto"


def remember(response: Response, what: str, choice: str) -> None:
    """Puts a choice into its cookie."""
    response.set_cookie(
        _cookie(what),
        choice,
        max_age=REMEMBERED,
        path="/console",
        httponly=True,
        samesite="Strict",
        secure=came_by_https(),
    )


def _cookie(what: str) -> str:
    return f"transcode_inbox_{what}"


def add_routes(routes: Blueprint, services: Services) -> None:
    """What takes a choice."""

    @routes.post("/preferences")
    def choose() -> ResponseReturnValue:
        response = make_response(redirect(safe_path(request.form.get("next")), 303))
        for what, choices in CHOICES.items():
            if (choice := request.form.get(what)) in choices:
                remember(response, what, str(choice))
        return response
