"""`transcode-inbox events` and `renditions`: what came in, and what it fanned out to."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from app.cli.api import Api, json_option, limit_option, show_list, show_one
from app.cli.client import url_option
from app.cli.moments import Moment

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group()
def events() -> None:
    """What came in."""


def _filters(*more: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    """What both lists can be narrowed by, and `more`; they combine."""
    shared: tuple[Callable[[Any], Any], ...] = (
        click.option("--source", help="Only from this source."),
        click.option("--type", help="Only of this type, as transcode.completed."),
        click.option("--status", help="Only with this status: running, succeeded, failed or unknown."),
        click.option("--media-id", help="Only of this file or stream."),
        click.option("--task-id", help="Only of this task."),
        click.option("--kind", help="Only renditions of this kind, or events with one: video, audio, snapshot, …"),
        click.option("--name", help="Only renditions with this name, or events with one, as f10."),
        click.option("--since", type=Moment(), help="Only recorded then or later: 2026-11-20T09:30, or 2h for ago."),
        click.option("--until", type=Moment(), help="Only recorded then or earlier."),
    )

    def narrowed(command: _Command) -> _Command:
        for option in reversed((*shared, *more)):
            command = option(command)
        return command

    return narrowed


@events.command("list")
@_filters(
    click.option(
        "--address", "url_part", metavar="TEXT", help="Only with this in an address of the input or a rendition."
    ),
    click.option("--search", "q", metavar="TEXT", help="A media id, task id, event id, or part of an address."),
)
@limit_option
@json_option
@url_option
def list_events(limit: int, as_json: bool, url: str, url_part: str | None, **filters: str | None) -> None:
    """List events, newest first. Filters combine.

    Searching for an address looks at every event there is, newest first: narrow it down with other filters, or be patient.

    \b
    Examples:
      transcode-inbox events list
      transcode-inbox events list --source cts-video --status failed --since 2h
      transcode-inbox events list --media-id 963f1d4048dfdfad362d9b94e922d5696 --json
    """
    columns = {
        "EVENT": "id",
        "TYPE": "type",
        "STATUS": "status",
        "RENDITIONS": "renditions",
        "MEDIA": "media_id",
        "TASK": "task_id",
        "RECEIVED": "received_at",
    }
    found = Api(url).listed("events", {**filters, "url": url_part}, limit)
    show_list(found, columns, as_json=as_json, none="No events.")


@events.command("show")
@click.argument("id_", metavar="ID")
@url_option
def show_event(id_: str, url: str) -> None:
    """Show one event: its renditions, raw body and history, as JSON.

    \b
    Examples:
      transcode-inbox events show cts-video:32ee9b765a9f7765c67af19373026b71
    """
    show_one(Api(url).one("events", id_))


@click.group()
def renditions() -> None:
    """What the events fanned out to."""


@renditions.command("list")
@_filters(click.option("--min-height", type=click.IntRange(1), help="Only so many pixels high, or more."))
@limit_option
@json_option
@url_option
def list_renditions(limit: int, as_json: bool, url: str, min_height: int | None, **filters: str | None) -> None:
    """List renditions, newest first. Filters combine; all but kind, name and height are about their event.

    \b
    Examples:
      transcode-inbox renditions list --kind video --min-height 720
      transcode-inbox renditions list --media-id 963f1d4048dfdfad362d9b94e922d5696 --json
    """
    columns = {
        "RENDITION": "id",
        "KIND": "kind",
        "NAME": "name",
        "WIDTH": "width",
        "HEIGHT": "height",
        "BIT/S": "bitrate",
        "BYTES": "size",
        "URL": "urls",
    }
    found = Api(url).listed("renditions", {**filters, "min_height": str(min_height or "")}, limit)
    show_list(found, columns, as_json=as_json, none="No renditions.")
