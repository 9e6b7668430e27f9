"""A web process: `python -m app.web`. Serves the application on PORT with WEB_CONCURRENCY processes of WEB_SERVER.

gunicorn with gevent workers is the default: slow bodies and long polls cost it nothing, so it may face the internet. Granian is
faster but gives a request to a thread before its body is there; it belongs behind a proxy that buffers bodies.
"""

import resource
from typing import TYPE_CHECKING, Any

from app.counts_directory import counting_together
from schemas.settings import Settings
from workers.log_format import log_config
from workers.start import start

if TYPE_CHECKING:
    from flask import Flask

#: Seconds a connection may idle between two requests.
KEEPALIVE = 75
#: Seconds that requests under way are given to end when the process is told to stop.
GRACEFUL_TIMEOUT = 6
#: Connections one gunicorn process holds at once: slow bodies, long polls and idle ones together.
CONNECTIONS = 20_000
#: Threads one Granian process works with.
GRANIAN_THREADS = 64


def served() -> "Flask":
    """The application of a process that serves it, with what such a process does by itself."""
    # Imported here, after gevent has patched the worker, and not at the top.
    from app import create_app
    from app.draining import drain_granian

    app = create_app()
    services = app.extensions["transcode-inbox"]
    services.start()
    if services.settings.web_server == "granian":
        drain_granian(services.drain)
    return app


def serve_gunicorn(settings: Settings) -> None:
    """Serves until told to stop."""
    from gunicorn.app.base import BaseApplication

    class Server(BaseApplication):  # type: ignore[misc]  # gunicorn carries no types
        def load_config(self) -> None:
            for name, value in gunicorn_options(settings).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return served()

    Server().run()


def gunicorn_options(settings: Settings) -> dict[str, Any]:
    """What gunicorn is told; the rest is its default."""
    return {
        "bind": f"0.0.0.0:{settings.port}",
        "workers": settings.web_concurrency,
        "worker_class": "app.gunicorn_worker.FrontWorker",
        "http_parser": "fast",
        "worker_connections": CONNECTIONS,
        "backlog": 4096,
        # Sixteen long handles in a query string fit.
        "limit_request_line": 8190,
        "keepalive": KEEPALIVE,
        "graceful_timeout": GRACEFUL_TIMEOUT,
        "loglevel": settings.log_level.lower(),
        "logconfig_dict": log_config(settings),
        # A way in for tools on the machine that nothing here uses.
        "control_socket_disable": True,
        "proc_name": "transcode-inbox",
    }


def serve_granian(settings: Settings) -> None:
    """Serves until told to stop."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    Granian(
        "app.web:served",
        factory=True,
        address="0.0.0.0",
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.web_concurrency,
        blocking_threads=GRANIAN_THREADS,
        backlog=4096,
        workers_kill_timeout=GRACEFUL_TIMEOUT,
        respawn_failed_workers=True,
        websockets=False,
        log_level=LogLevels(settings.log_level.lower()),
        log_dictconfig=log_config(settings),
    ).serve()


def allow_many_connections() -> None:
    """Raises the limit on open files as far as this user may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    the_settings = start()
    allow_many_connections()
    with counting_together():
        if the_settings.web_server == "granian":
            serve_granian(the_settings)
        else:
            serve_gunicorn(the_settings)
