"""`transcode-inbox events` and `renditions`: what came in, and what it fanned out to."""

import click

from app.cli.api import Api, json_option, limit_option, show_list, show_one
from app.cli.client import url_option


@click.group()
def events() -> None:
    """What came in."""


@events.command("list")
@click.option("--source", help="Only from this source.")
@click.option("--media-id", help="Only of this file or stream.")
@click.option("--task-id", help="Only of this task.")
@click.option("--type", "type_", help="Only of this type, as transcode.completed.")
@click.option("--status", help="Only with this status: running, succeeded, failed or unknown.")
@limit_option
@json_option
@url_option
def list_events(
    source: str | None,
    media_id: str | None,
    task_id: str | None,
    type_: str | None,
    status: str | None,
    limit: int,
    as_json: bool,
    url: str,
) -> None:
    """List events, newest first."""
    filters = {"source": source, "media_id": media_id, "task_id": task_id, "type": type_, "status": status}
    columns = {
        "EVENT": "id",
        "TYPE": "type",
        "STATUS": "status",
        "RENDITIONS": "renditions",
        "MEDIA": "media_id",
        "TASK": "task_id",
        "RECEIVED": "received_at",
    }
    show_list(Api(url).listed("events", filters, limit), columns, as_json=as_json, none="No events.")


@events.command("show")
@click.argument("id_", metavar="ID")
@url_option
def show_event(id_: str, url: str) -> None:
    """Show one event: its renditions, raw body and history, as JSON."""
    show_one(Api(url).one("events", id_))


@click.group()
def renditions() -> None:
    """What the events fanned out to."""


@renditions.command("list")
@click.option("--media-id", help="Only of this file or stream.")
@click.option("--kind", help="Only of this kind: video, audio, snapshot, stream, …")
@click.option("--name", help="Only with this name, as f10.")
@limit_option
@json_option
@url_option
def list_renditions(
    media_id: str | None, kind: str | None, name: str | None, limit: int, as_json: bool, url: str
) -> None:
    """List renditions, newest first."""
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
    filters = {"media_id": media_id, "kind": kind, "name": name}
    show_list(Api(url).listed("renditions", filters, limit), columns, as_json=as_json, none="No renditions.")
