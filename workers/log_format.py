"""How the processes log: one line an event on stderr, as text or as JSON (LOG_FORMAT)."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from schemas.settings import Settings


class JsonLines(logging.Formatter):
    """One JSON object a record: `time`, `level`, `logger`, `message`, and `exception` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def log_config(settings: Settings) -> dict[str, Any]:
    """For `logging.config.dictConfig`: everything of LOG_LEVEL and above goes to stderr, in LOG_FORMAT.

    gunicorn takes it too, and would else have a form of its own.
    """
    form = {"()": JsonLines} if settings.log_format == "json" else {"format": "%(levelname)s %(name)s: %(message)s"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"generic": form},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "generic"}},
        "root": {"level": settings.log_level.upper(), "handlers": ["console"]},
        "loggers": {"gunicorn.error": {"handlers": [], "propagate": True}},
    }
