"""`transcode-inbox dead-letters`: what could not be understood, why, and try again."""

import click

from app.cli.api import Api, json_option, limit_option, path_of, show_list, show_one
from app.cli.client import url_option

_ids = click.argument("ids", metavar="ID...", nargs=-1, required=True)
_id = click.argument("id_", metavar="ID")


@click.group("dead-letters")
def dead_letters() -> None:
    """What could not be understood, and why."""


@dead_letters.command("list")
@limit_option
@json_option
@url_option
def list_dead_letters(limit: int, as_json: bool, url: str) -> None:
    """List dead letters, newest first."""
    columns = {
        "DEAD LETTER": "id",
        "SOURCE": "source",
        "REASON": "reason",
        "MESSAGE": "message",
        "RECEIVED": "received_at",
    }
    show_list(Api(url).listed("dead-letters", {}, limit), columns, as_json=as_json, none="No dead letters.")


@dead_letters.command("show")
@_id
@url_option
def show_dead_letter(id_: str, url: str) -> None:
    """Show one dead letter with its raw body, as JSON."""
    show_one(Api(url).one("dead-letters", id_))


@dead_letters.command("replay")
@_ids
@click.option("--force", is_flag=True, help="Even where its signature is wrong.")
@url_option
def replay(ids: tuple[str, ...], force: bool, url: str) -> None:
    """Try dead letters again, after what was wrong was put right."""
    api = Api(url)
    for id_ in ids:
        if force:
            api.change("POST", path_of("dead-letters", id_), then="replay", force="true")
        else:
            api.change("POST", path_of("dead-letters", id_), then="replay")
        click.echo(f"{id_}: tried again")


@dead_letters.command("discard")
@_ids
@url_option
def discard(ids: tuple[str, ...], url: str) -> None:
    """Delete dead letters for good."""
    api = Api(url)
    for id_ in ids:
        api.change("DELETE", path_of("dead-letters", id_))
        click.echo(f"{id_}: discarded")
