"""The command line: `transcode-inbox`.

Bad usage is a sentence on stderr and exit status 2; anything else that fails is a sentence and exit status 1.
"""

import os
import sys

import click

from app.cli.dead_letters import dead_letters
from app.cli.events import events, renditions
from app.cli.pull import pull
from app.cli.run import run
from app.cli.send import send
from app.cli.status import status
from app.cli.subscriptions import subscriptions


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="transcode-inbox", message="%(prog)s %(version)s")
def commands() -> None:
    """Take transcode callbacks, never lose one, and let a team pull them.

    \b
    Examples:
      transcode-inbox run
      transcode-inbox send cts-video
      transcode-inbox pull

    On a terminal lists are tables; in a pipe they are JSON, an object a line. Exit status 0: done; 1: it did not work,
    with a sentence on stderr; 2: bad usage; 130: Ctrl-C.
    """


for _command in (run, send, pull, events, renditions, dead_letters, subscriptions, status):
    commands.add_command(_command)


def main() -> None:
    """The console script. Nothing prints a traceback at a user; LOG_LEVEL=DEBUG shows one after all."""
    try:
        status = commands.main(prog_name="transcode-inbox", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        status = 2
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        status = 130
    except Exception as error:
        if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
            raise
        click.echo(f"Error: something unexpected went wrong: {type(error).__name__}: {error}", err=True)
        status = 1
    sys.exit(status)
