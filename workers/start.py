"""What every process of the Procfile does first: read the settings, or say in a sentence why it cannot."""

import errno
import logging.config
import os
import sys
from pathlib import Path

from kombu.transport import get_transport_cls

from schemas.settings import Settings, SettingsError, read_settings
from workers.log_format import log_config

#: The exit status of a process that cannot start as it is set up; starting it again would not help.
BAD_SETTINGS = 2


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
    try:
        get_transport_cls(scheme)
    except ImportError as error:
        raise SettingsError(f"BROKER_URL begins with {scheme}://, for which a package is missing: {error}.") from None
    except (KeyError, AttributeError):
        raise SettingsError(f"BROKER_URL begins with {scheme}://, which is no broker that Celery knows.") from None


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
