"""What every process of the Procfile does first: read the settings, or say in a sentence why it cannot."""

import logging.config
import os
import sys

from schemas.settings import Settings, SettingsError, read_settings
from workers.log_format import log_config

#: The exit status of a process that cannot start as it is set up; starting it again would not help.
BAD_SETTINGS = 2


def start() -> Settings:
    """The settings of this process, with logging set up. Ends the process with a sentence on stderr if they are wrong."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"transcode-inbox cannot start: {error}\n")
        sys.exit(BAD_SETTINGS)
    logging.config.dictConfig(log_config(settings))
    return settings
