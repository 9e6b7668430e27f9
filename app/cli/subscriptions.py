"""`transcode-inbox subscriptions`: who is sent what, and whether that arrives."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from app.cli.api import (
    Api,
    BadUsageError,
    RefusedError,
    json_line,
    json_option,
    limit_option,
    path_of,
    show_list,
    show_one,
    text_option,
)
from app.cli.client import url_option
from schemas.event import Status
from schemas.sources import SOURCES
from schemas.subscription import without_query

_id = click.argument("id_", metavar="ID")
_ids = click.argument("ids", metavar="ID...", nargs=-1, required=True)


@click.group("subscriptions")
def subscriptions() -> None:
    """Push renditions on, by HTTP or as Celery tasks.

    A subscription is a destination, and what of everything that comes in is sent there. A destination is an http or
    https URL, or celery://<queue>/<task name> for a task of your own Celery app on the same broker. Requests are
    signed as Standard Webhooks says, and tried again for a day.
    """


@subscriptions.command("add")
@click.argument("destination")
@click.option("--source", type=click.Choice(sorted(SOURCES)), help="Only from this source.")
@click.option("--type", "type_", metavar="TYPE", help="Only events of this type, as in transcode.completed.")
@click.option("--status", type=click.Choice(Status.__args__), help="Only events with this status.")  # type: ignore[attr-defined]
@click.option("--kind", help="Only renditions of this kind: video, audio, gif, cover, snapshot, stream.")
@click.option("--name", metavar="PATTERN", help="Only renditions with such a name; * and ? stand for others: 'f[34]0'.")
@click.option("--media-id", metavar="PREFIX", help="Only of media whose id begins so.")
@click.option(
    "--min-height", type=click.IntRange(1), metavar="LINES", help="Only renditions of at least so many lines."
)
@click.option(
    "--each", type=click.Choice(["rendition", "event"]), help="A request for each of these.  [default: rendition]"
)
@click.option("--secret", metavar="whsec_…", help="What to sign with, if it is not to be made.")
@url_option
def add(destination: str, type_: str | None, each: str | None, secret: str | None, url: str, **asked: Any) -> None:
    """Send what comes in from now on to DESTINATION.

    Prints the subscription with its secret, which whoever receives the requests needs to verify them.

    \b
    Examples:
      transcode-inbox subscriptions add https://example.com/hook --source cts-video --min-height 720
      transcode-inbox subscriptions add celery://video/tasks.publish --kind video
    """
    wanted = {"url": destination, "filter": {**asked, "type": type_}, "each": each, "secret": secret}
    try:
        show_one(Api(url).change("POST", "/api/subscriptions", body=wanted))
    except RefusedError as error:
        if error.status != 400:
            raise
        # What was typed is wrong, not what was to be done.
        raise BadUsageError(error.message) from None


@subscriptions.command("list", short_help="List subscriptions, newest first.")
@limit_option
@json_option
@url_option
def list_subscriptions(limit: int, as_json: bool, url: str) -> None:
    """List subscriptions, newest first; without their secrets, which `show` has.

    \b
    Examples:
      transcode-inbox subscriptions list
    """
    columns = {
        "SUBSCRIPTION": "id",
        "DESTINATION": "destination",
        "EACH": "each",
        "FILTER": "asked",
        "STATE": "state",
        "WAITING": "waiting",
        "DELIVERED": "delivered",
    }
    found = Api(url).listed("subscriptions", {}, limit)
    show_list(
        _without_secrets(found) if as_json else map(_row, found), columns, as_json=as_json, none="No subscriptions."
    )


@subscriptions.command("show", short_help="Show one subscription, and how its destination does.")
@_id
@url_option
def show(id_: str, url: str) -> None:
    """Show one subscription with its secret, how its destination does, and the last attempts, as JSON.

    \b
    Examples:
      transcode-inbox subscriptions show sub_5f0c8e3b9a7d4c61e2b8
    """
    show_one(Api(url).one("subscriptions", id_))


@subscriptions.command("remove")
@_ids
@url_option
def remove(ids: tuple[str, ...], url: str) -> None:
    """Forget subscriptions, with what waits for them.

    \b
    Examples:
      transcode-inbox subscriptions remove sub_5f0c8e3b9a7d4c61e2b8
    """
    _change_each(ids, url, "DELETE", "removed")


@subscriptions.command("enable")
@_ids
@url_option
def enable(ids: tuple[str, ...], url: str) -> None:
    """Send to subscriptions again, first of all what waited for them.

    \b
    Examples:
      transcode-inbox subscriptions enable sub_5f0c8e3b9a7d4c61e2b8
    """
    _change_each(ids, url, "POST", "enabled", then="enable")


@subscriptions.command("disable")
@_ids
@url_option
def disable(ids: tuple[str, ...], url: str) -> None:
    """Send nothing to subscriptions. What waits for them goes on waiting; what comes in is not for them.

    \b
    Examples:
      transcode-inbox subscriptions disable sub_5f0c8e3b9a7d4c61e2b8
    """
    _change_each(ids, url, "POST", "disabled", then="disable")


@subscriptions.command("test")
@_id
@text_option
@url_option
def test(id_: str, as_json: bool, url: str) -> None:
    """Send a sample to a subscription, and show what came of it.

    A worker sends it, signed like any other, with the header `transcode-inbox-test: true`. Exit status 1 where it did
    not arrive.

    \b
    Examples:
      transcode-inbox subscriptions test sub_5f0c8e3b9a7d4c61e2b8
    """
    outcome = Api(url).change("POST", path_of("subscriptions", id_), then="test")
    if as_json:
        click.echo(json_line(outcome))
    elif outcome["error"] is None:
        what = "published" if outcome["status"] is None else f"it answered {outcome['status']}"
        click.echo(f"{id_}: {what} after {outcome['seconds']:.3f} s")
        if outcome["status"] is not None and outcome["answer"]:
            click.echo(_printable(outcome["answer"]))
    if outcome["error"] is not None:
        raise click.ClickException(f"{outcome['error']} (after {outcome['seconds']:.3f} s).{_also(outcome['answer'])}")


def _also(answer: str | None) -> str:
    return f" It said: {_printable(answer)}" if answer else ""


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def _change_each(ids: tuple[str, ...], url: str, method: str, said: str, *, then: str = "") -> None:
    """Changes one after the other, and says of each that it was done; stops at the first that is refused."""
    api = Api(url)
    for id_ in ids:
        api.change(method, path_of("subscriptions", id_), then=then)
        click.echo(f"{id_}: {said}")


def _without_secrets(found: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return ({name: value for name, value in one.items() if name != "secret"} for one in found)


def _row(subscription: Mapping[str, Any]) -> dict[str, Any]:
    """What a table says of a subscription. Not its query string, where some receivers keep their secrets."""
    health = subscription["health"]
    asked = [f"{name}={value}" for name, value in subscription["filter"].items() if value is not None]
    circuit = "enabled" if health["circuit"] == "closed" else f"circuit {health['circuit']}"
    return {
        "id": subscription["id"],
        "destination": without_query(subscription["url"]),
        "each": subscription["each"],
        "asked": " ".join(asked) or None,
        "state": circuit if subscription["disabled"] is None else "disabled",
        "waiting": str(health["pending"] + health["out"]),
        "delivered": str(health["delivered"]),
    }
