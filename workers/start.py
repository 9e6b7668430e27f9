"""What every process of the Procfile does first: read the settings, or say in a sentence why it cannot."""

import errno
import logging.config
import os
import subprocess
import sys
from pathlib import Path

from schemas.settings import Settings, SettingsError, read_settings
from workers.log_format import log_config

#: The exit status of a process that cannot start as it is set up; starting it again would not help.
BAD_SETTINGS = 2
#: Brokers that need no package beyond our own.
ALWAYS_SPOKEN = ("amqp", "amqps", "redis", "rediss", "sentinel")

_ASK = "import sys; from kombu.transport import get_transport_cls; get_transport_cls(sys.argv[1])"


def start() -> Settings:
    """The settings of this process, with logging set up. Ends the process with a sentence on stderr if they are wrong."""
    try:
        settings = read_settings(os.environ)
        _check_broker(settings.broker_url)
        if settings.spool_dir is not None:
            _check_spool(settings.spool_dir)
    except SettingsError as error:
        sys.stderr.write(f"transcode-inbox cannot start: {error}\n")
        sys.exit(BAD_SETTINGS)
    logging.config.dictConfig(log_config(settings))
    return settings


def _check_broker(url: str) -> None:
    """Raises SettingsError where no program here can speak to such a broker."""
    scheme = url.partition("://")[0].partition("+")[0]
    if scheme in ALWAYS_SPOKEN:
        return
    # In a process of its own: gevent must patch a web process before it loads any of this.
    asked = subprocess.run((sys.executable, "-c", _ASK, scheme), capture_output=True, text=True, check=False)  # noqa: S603
    if asked.returncode:
        kind, _, message = asked.stderr.strip().rpartition("\n")[2].partition(": ")
        missing = kind in ("ImportError", "ModuleNotFoundError")
        why = f"for which a package is missing: {message}" if missing else "which is no broker that Celery knows"
        raise SettingsError(f"BROKER_URL begins with {scheme}://, {why}.")


def _check_spool(directory: Path) -> None:
    """Raises SettingsError where nothing could ever be spooled; a disk that is full may have room again."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        allowed = os.access(directory, os.R_OK | os.W_OK | os.X_OK)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return
        raise SettingsError(f"SPOOL_DIR {directory} cannot be used: {error.strerror}.") from None
    if not allowed:
        raise SettingsError(f"SPOOL_DIR {directory} cannot be used: Permission denied.")
