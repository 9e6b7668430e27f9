"""`transcode-inbox pull`: a client of the pull APIs, one JSON event a line."""

import os
import sys
import time

import click

from app.cli.api import json_line
from app.cli.client import url_option
from app.cli.data_dir import secret
from app.cli.pull_clients import (
    LegacyPullClient,
    NotConfirmedError,
    PullClient,
    PullClient3,
    Pulled,
)
from schemas.settings import PullCredential, SettingsError, read_settings

#: Seconds after which a pull without confirming ends by itself: at 30 s the first events would come again.
ONE_HOLD = 25.0


@click.command()
@click.option("--api", type=click.Choice(["v2", "v3"]), default="v2", show_default=True, help="Which of the two APIs.")
@click.option("--confirm/--no-confirm", default=True, help="Without: the events come again after 30 s.")
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C, instead of ending when nothing comes for 5 s.")
@url_option
def pull(api: str, confirm: bool, follow: bool, url: str) -> None:
    """Pull events over HTTP and print one JSON event a line.

    Each batch is confirmed after it was printed. PULL_CREDENTIALS, or what `run` keeps in DATA_DIR, say who
    pulls.

    \b
    Examples:
      transcode-inbox pull
      transcode-inbox pull --follow
      transcode-inbox pull --api v3 --no-confirm
    """
    credential = _credential()
    client: PullClient = LegacyPullClient(url, credential) if api == "v2" else PullClient3(url, credential)
    began = time.monotonic()
    while True:
        events = client.pull()
        if not events and not follow:
            return
        _print(events)
        if confirm and events:
            _confirm(client, events)
        elif not follow and time.monotonic() - began > ONE_HOLD:
            click.echo("Stopped: those printed first, not confirmed, would come again now.", err=True)
            return


def _print(events: list[Pulled]) -> None:
    try:
        for event in events:
            click.echo(json_line(event.event))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has had enough, as `head` does; what it did not take is not confirmed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(0) from None


def _confirm(client: PullClient, events: list[Pulled]) -> None:
    try:
        client.confirm([event.handle for event in events])
    except NotConfirmedError as error:
        click.echo(f"Not all was confirmed, and that part will come again: {error}", err=True)


def _credential() -> PullCredential:
    """The first of PULL_CREDENTIALS. Raises ClickException."""
    credentials = secret("PULL_CREDENTIALS", os.environ)
    try:
        return read_settings(
            {"REDIS_URL": "redis://", "API_TOKEN": "unused", "PULL_CREDENTIALS": credentials}
        ).pull_credentials[0]
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
