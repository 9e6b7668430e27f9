"""`transcode-inbox status`: is it able to accept, what waits, and for how long."""

from collections.abc import Iterator
from typing import Any

import click

from app.cli.api import TIMEOUT, json_option
from app.cli.client import Client, url_option


@click.command()
@json_option
@url_option
def status(as_json: bool, url: str) -> None:
    """Show queue depths, rates, the oldest waiting, and processes.

    Exit status 1 where it cannot accept callbacks.
    """
    answer = Client(url, timeout=TIMEOUT).request("GET", "/readyz")
    if answer.status not in (200, 503):
        raise click.ClickException(f"The answer was {answer.status}; is that transcode-inbox at {url}?")
    document = answer.json()
    if as_json:
        click.echo(answer.body.decode(errors="replace").strip())
    else:
        for line in readable(document):
            click.echo(line)
    if not answer.ok:
        raise click.ClickException("transcode-inbox cannot accept callbacks now.")


def readable(value: Any, indent: str = "") -> Iterator[str]:
    """The lines of a JSON document, for people: a key a line, what it holds beside it or under it."""
    if isinstance(value, dict):
        width = max((len(str(key)) for key, held in value.items() if not isinstance(held, dict | list)), default=0)
        for key, held in value.items():
            name = str(key).replace("_", " ")
            if isinstance(held, dict | list) and held:
                yield f"{indent}{name}"
                yield from readable(held, indent + "  ")
            else:
                yield f"{indent}{name:<{width}}  {_word(held)}"
    elif isinstance(value, list):
        for held in value:
            if isinstance(held, dict):
                yield indent + "  ".join(f"{key} {_word(one)}" for key, one in held.items())
            else:
                yield f"{indent}{_word(held)}"
    else:
        yield f"{indent}{_word(value)}"


def _word(value: Any) -> str:
    if value is None or value == [] or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
