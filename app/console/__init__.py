"""The console: `/console`, for the person on call. Pages are rendered here and work without script; a little script keeps
them fresh.

A page is one file here and one template of the same name. What a page shows is read from the queues, a few round trips each,
and never without a bound. Whatever a callback holds is a stranger's: templates escape it, and only http and https become links.
"""

from flask import Blueprint, Flask

from app.console import (
    dead_letters,
    errors,
    events,
    headers,
    log_in,
    overview,
    preferences,
    session,
    static_files,
    subscriptions,
    view,
)
from app.services import Services


def mount(app: Flask, services: Services) -> None:
    """Adds everything under `/console` to the application."""
    session.prepare(app, services.settings.api_token)
    routes = Blueprint("console", __name__, url_prefix="/console", template_folder="templates")
    headers.register(routes)
    session.guard(routes, services)
    view.register(routes, services)
    for page in (overview, events, dead_letters, subscriptions, log_in, preferences, static_files, errors):
        page.add_routes(routes, services)
    app.register_blueprint(routes)
