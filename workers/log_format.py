"""How the processes log: a line for whatever happened, on stderr, as text or as JSON (LOG_FORMAT).

Lines name what they are about, so that one search finds the whole way of a callback: the inbox entry it came in with, its event,
the request that pulled it. They never hold a body or a secret, and what a stranger chose is cut and made printable.
"""

import logging
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from schemas.settings import Settings

#: What a line may name beside its message, given to `logging` as `extra`, in this order.
FIELDS = ("event", "source", "inbox", "request", "webhook", "subscription", "queue", "reason")
#: Characters of anything in a message that others have chosen.
LONGEST = 300


def printable(text: str, most: int = LONGEST) -> str:
    """`text` cut to `most` characters, on one line, with nothing in it that a terminal would obey."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return cut if cut.isprintable() else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in cut)


class TextLines(logging.Formatter):
    """`INFO workers.tasks.ingest: message`, the exception under it where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = self.line(record.created, record.levelname, record.name, record.getMessage(), {})
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    def line(self, created: float, level: str, name: str, message: str, fields: Mapping[str, Any]) -> str:
        """One line. The fields are in the message already, as far as people need them."""
        return f"{level} {name}: {message if message.isprintable() else printable(message, len(message))}"


class JsonLines(logging.Formatter):
    """One JSON object: `time`, `level`, `logger`, `message`, those of FIELDS that there are, and `exception` if there is one."""

    _time = 0.0, ""

    def format(self, record: logging.LogRecord) -> str:
        known = record.__dict__
        fields = {name: known[name] for name in FIELDS if name in known}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return self.line(record.created, record.levelname, record.name, record.getMessage(), fields)

    def line(self, created: float, level: str, name: str, message: str, fields: Mapping[str, Any]) -> str:
        """One line."""
        seen, at = self._time
        if created != seen:
            # Lines that are written together have one time, and telling it is half of a line.
            at = datetime.fromtimestamp(created, UTC).isoformat(timespec="milliseconds")
            self._time = created, at
        line = {"time": at, "level": level.lower(), "logger": name, "message": message, **fields}
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:
            # Half a surrogate pair is no text for it.
            line["message"] = ascii(message)
            return orjson.dumps(line, default=str).decode()


class Console(logging.StreamHandler[Any]):
    """Writes to stderr. What `log_each` is given goes out in one write."""

    def write_each(self, level: int, name: str, lines: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """A line for each message with its fields."""
        form, created, level_name = self.formatter, time.time(), logging.getLevelName(level)
        assert isinstance(form, TextLines | JsonLines)  # noqa: S101 - log_config says so
        text = "".join(f"{form.line(created, level_name, name, message, fields)}\n" for message, fields in lines)
        self.acquire()
        try:
            self.stream.write(text)
            self.flush()
        finally:
            self.release()


def log_each(log: logging.Logger, level: int, lines: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Logs a message with its fields for each, as `log.log(level, message, extra=fields)` would.

    That takes 15 us each, of which a worker has 200 for an event; where all there is is a Console this takes 2.
    """
    if not lines or not log.isEnabledFor(level):
        return
    root = logging.getLogger()
    if not log.handlers and all(isinstance(handler, Console) for handler in root.handlers):
        for handler in root.handlers:
            handler.write_each(level, log.name, lines)  # type: ignore[attr-defined]
    else:
        for message, fields in lines:
            log.log(level, "%s", message, extra=dict(fields))


def log_config(settings: Settings) -> dict[str, Any]:
    """For `logging.config.dictConfig`: everything of LOG_LEVEL and above goes to stderr, in LOG_FORMAT.

    Without LOG_FORMAT it is text on a terminal and JSON elsewhere. gunicorn and Granian take it too, and would else have forms of
    their own.
    """
    form = settings.log_format or ("text" if sys.stderr.isatty() else "json")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"generic": {"()": JsonLines if form == "json" else TextLines}},
        "handlers": {"console": {"()": Console, "formatter": "generic"}},
        "root": {"level": settings.log_level.upper(), "handlers": ["console"]},
        "loggers": {"gunicorn.error": {"handlers": [], "propagate": True}, "_granian": {"propagate": True}},
    }
