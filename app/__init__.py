"""What answers HTTP, and the command line."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from schemas.settings import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The whole of what a web process serves, for `settings` (those of the environment, if none are given).

    Connects to nothing until the first request. Raises `schemas.settings.SettingsError`.
    """
    # Imported here because gevent must patch a web process before any of this is loaded, and the command line needs none of it.
    import os

    from flask import Flask

    from app import api, callbacks, console, errors, health, metrics
    from app.callbacks import Ingress
    from app.front import Front
    from app.pull import v2, v3
    from app.services import Services
    from schemas.settings import read_settings
    from schemas.sources import SOURCES

    settings = settings or read_settings(os.environ)
    services = Services(settings)
    app = Flask(__name__, static_folder=None)
    app.extensions["transcode-inbox"] = services
    app.config["MAX_CONTENT_LENGTH"] = errors.MOST_REQUEST_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    errors.register(app)
    app.register_blueprint(api.blueprint(services))
    app.register_blueprint(health.blueprint(services))
    app.register_blueprint(metrics.blueprint(services))
    console.mount(app, services)
    ingress = Ingress(
        commit=services.group_commit.commit,
        sources=SOURCES,
        tokens=settings.callback_tokens,
        max_body_bytes=settings.max_body_bytes,
        refused=services.counts.refused,
    )
    pulling = (services.waiting_room, services.pull_queues, settings.pull_credentials, services.witness)
    app.wsgi_app = Front(  # type: ignore[method-assign]
        app.wsgi_app,
        below={callbacks.PREFIX: ingress.answer},
        at={v2.PATH: v2.PullApi2(*pulling).answer, v3.PATH: v3.PullApi3(*pulling).answer},
        draining=lambda: services.draining,
    )
    return app
