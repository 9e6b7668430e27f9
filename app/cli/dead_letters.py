"""`transcode-inbox dead-letters`: what could not be understood or delivered, why, and what to do about it."""

import base64
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import IO, Any, TypeVar
from urllib.parse import urlencode

import click

from app.cli.api import (
    Api,
    RefusedError,
    json_line,
    json_option,
    limit_option,
    path_of,
    show_list,
    show_one,
    show_outcome,
    text_option,
)
from app.cli.batches import Pace, in_batches, progress, rate_option
from app.cli.client import url_option
from app.cli.json_lines import about_the_file, in_groups, size_of
from app.cli.letter_text import USUAL_WIDTH, letter_lines
from app.cli.moments import Moment

#: Letters that could not be replayed which are named; the others are counted.
MOST_NAMED = 10
#: The API's path.
LETTERS = "/api/dead-letters"

_Command = TypeVar("_Command", bound=Callable[..., Any])

_ids = click.argument("ids", metavar="[ID]...", nargs=-1)
_all = click.option("--all", "everything", is_flag=True, help="All there are.")


def _filters(command: _Command) -> _Command:
    """The options that say which letters; the command takes them as `**wanted`."""
    for option in reversed(
        (
            click.option("--source", help="Only of this source."),
            click.option("--reason", help="Only with this reason, as malformed_json."),
            click.option(
                "--sort", type=click.Choice(["callback", "delivery"]), help="Only not understood, or not delivered."
            ),
            click.option("--subscription", metavar="ID", help="Only what this subscription did not take."),
            click.option(
                "--since", type=Moment(), help="Only received then or later: 2026-11-20T09:30, or 2h for ago."
            ),
            click.option("--until", type=Moment(), help="Only received then or earlier."),
        )
    ):
        command = option(command)
    return command


@click.group("dead-letters", short_help="What could not be understood or delivered.")
def dead_letters() -> None:
    """What could not be understood or delivered, why, and what to do about it.

    Each is kept whole until you replay or discard it, for DEAD_LETTER_DAYS (30).

    \b
    Examples:
      transcode-inbox dead-letters list --since 2h
      transcode-inbox dead-letters replay --reason invalid --source cts-video
    """


@dead_letters.command("list")
@_filters
@limit_option
@json_option
@url_option
def list_dead_letters(limit: int, as_json: bool, url: str, **wanted: str | None) -> None:
    """List dead letters, newest first.

    Options combine. With --since or --until the list is in order of receipt.

    \b
    Examples:
      transcode-inbox dead-letters list
      transcode-inbox dead-letters list --source cts-video --reason invalid --since 2h
      transcode-inbox dead-letters list --sort delivery --limit 5 --json
    """
    columns = {
        "DEAD LETTER": "id",
        "SOURCE": "source",
        "REASON": "reason",
        "MESSAGE": "message",
        "RECEIVED": "received_at",
    }
    show_list(Api(url).listed("dead-letters", wanted, limit), columns, as_json=as_json, none="No dead letters.")


@dead_letters.command("show", short_help="Show why one is here, and where its body is broken.")
@click.argument("id_", metavar="ID")
@click.option("--raw", is_flag=True, help="Only the body, to the byte.")
@text_option
@url_option
def show_dead_letter(id_: str, raw: bool, as_json: bool, url: str) -> None:
    """Show one dead letter: why it is here, and its body with the broken place marked.

    In a pipe it is JSON, which `import` takes back.

    \b
    Examples:
      transcode-inbox dead-letters show cts-video:9cf3a680e5aa2f036e86748143a0bb72
      transcode-inbox dead-letters show cts-video:9cf3a680e5aa2f036e86748143a0bb72 --raw > mended.json
    """
    letter = Api(url).one("dead-letters", id_)
    if raw:
        sys.stdout.buffer.write(base64.b64decode(letter["raw_base64"]))
        return
    if as_json:
        show_one(letter)
        return
    for line in letter_lines(letter, shutil.get_terminal_size((USUAL_WIDTH, 0)).columns):
        click.echo(line)


@dead_letters.command("replay")
@_ids
@_all
@_filters
@click.option("--file", "file", type=click.File("rb"), help="Try this body in the place of the letter's own.")
@click.option("--force", is_flag=True, help="Even where its signature is wrong.")
@rate_option
@text_option
@url_option
def replay(
    ids: tuple[str, ...],
    everything: bool,
    file: IO[bytes] | None,
    force: bool,
    rate: float | None,
    as_json: bool,
    url: str,
    **wanted: str | None,
) -> None:
    """Try dead letters again, after what was wrong was put right.

    By ID, by what they have in common, or all. They keep the time at which they were received. What still cannot be
    understood comes back under the same id; a run takes only those that are there when it begins. With --file, which is
    for one letter, the file is tried in its place: what is wrong with that one is said at once.

    \b
    Examples:
      transcode-inbox dead-letters replay cts-video:9cf3a680e5aa2f036e86748143a0bb72
      transcode-inbox dead-letters replay cts-video:9cf3a680e5aa2f036e86748143a0bb72 --file mended.json
      transcode-inbox dead-letters replay --reason invalid --source cts-video --rate 100
      transcode-inbox dead-letters replay --all
    """
    wanted = _one_way(ids, everything, wanted)
    if file is not None and len(ids) != 1:
        raise click.UsageError("--file is for one ID.")
    api = Api(url)
    if ids:
        body = file.read() if file is not None else b""
        if file is not None and not body:
            raise click.UsageError("The file is empty.")
        pace = Pace(rate)
        for id_ in ids:
            pace.wait()
            answer = api.send(f"{path_of('dead-letters', id_)}/replay", body, **({"force": "true"} if force else {}))
            pace.passed(1)
            show_outcome(answer, f"{id_}: tried again", as_json=as_json)
        return
    refused: list[dict[str, str]] = []
    count = in_batches(
        api,
        f"{LETTERS}/replay",
        {"filter": wanted, "force": force},
        label="Replaying",
        total=_count(api, wanted),
        done="replayed",
        rate=rate,
        each=lambda answer: refused.extend(answer["refused"]),
    )
    show_outcome({"replayed": count, "refused": refused}, f"{_letters(count)} tried again", as_json=as_json)
    for one in refused[:MOST_NAMED]:
        click.echo(f"{one['id']}: {one['message']}", err=True)
    if refused:
        raise click.ClickException(f"{_letters(len(refused))} could not be replayed and stay.")


@dead_letters.command("discard")
@_ids
@_all
@_filters
@click.option("--yes", is_flag=True, help="Do not ask.")
@rate_option
@text_option
@url_option
def discard(
    ids: tuple[str, ...],
    everything: bool,
    yes: bool,
    rate: float | None,
    as_json: bool,
    url: str,
    **wanted: str | None,
) -> None:
    """Delete dead letters for good.

    By ID, by what they have in common, or all. Many are counted first, and you are asked; where nobody can be asked, as in
    a pipe, it wants --yes. `export` keeps a copy.

    \b
    Examples:
      transcode-inbox dead-letters discard zego:05a9a17fc4e43e5cc973ccb22a1b2c14
      transcode-inbox dead-letters discard --reason unreadable --until 7d
      transcode-inbox dead-letters discard --all --yes
    """
    wanted = _one_way(ids, everything, wanted)
    api = Api(url)
    if ids:
        pace = Pace(rate)
        for id_ in ids:
            pace.wait()
            api.change("DELETE", path_of("dead-letters", id_))
            pace.passed(1)
            show_outcome({"id": id_, "discarded": True}, f"{id_}: discarded", as_json=as_json)
        return
    total = _count(api, wanted)
    if total and not yes:
        _ask(f"Discard {_letters(total)} for good?")
    count = in_batches(
        api,
        f"{LETTERS}/discard",
        {"filter": wanted},
        label="Discarding",
        total=total,
        done="discarded",
        rate=rate,
    )
    show_outcome({"discarded": count}, f"{_letters(count)} discarded", as_json=as_json)


@dead_letters.command("export", short_help="Write dead letters as JSON lines.")
@_filters
@click.option("--file", "path", type=click.Path(dir_okay=False), help="Write here. [default: stdout]")
@rate_option
@url_option
def export(path: str | None, rate: float | None, url: str, **wanted: str | None) -> None:
    """Write dead letters as JSON lines, newest first, each with its whole body.

    They stay where they are. `import` takes the lines back, edited or not.

    \b
    Examples:
      transcode-inbox dead-letters export > letters.jsonl
      transcode-inbox dead-letters export --source zego --since 1d --file zego.jsonl
    """
    api = Api(url)
    filters = _given(wanted)
    # A file that is there is replaced only by a whole one.
    out: Any = sys.stdout if path is None else click.open_file(path, "w", encoding="utf-8", atomic=True)
    pace, count = Pace(rate), 0
    # Beside a bar, lines on the same terminal would be no use to anybody.
    total = None if path is None and sys.stdout.isatty() else _count(api, filters)
    with out if path is not None else nullcontext(), progress("Exporting", total) as bar:
        for letter in api.listed("dead-letters", filters, sys.maxsize):
            pace.wait()
            click.echo(json_line(letter), file=out)
            pace.passed(1)
            count += 1
            bar.update(1)
    if path is not None:
        click.echo(f"{_letters(count)} exported to {path}", err=True)


@dead_letters.command("import", short_help="Give exported dead letters back.")
@click.argument("file", type=click.File("rb"))
@rate_option
@text_option
@url_option
def import_(file: IO[bytes], rate: float | None, as_json: bool, url: str) -> None:
    """Give dead letters back that were exported, from FILE (- is stdin).

    They keep the time at which they were received. One that is there already stays as it is. Where `raw` was edited, that
    is the body; else `raw_base64` is. Importing does not replay.

    \b
    Examples:
      transcode-inbox dead-letters import letters.jsonl
      transcode-inbox dead-letters export --source zego | transcode-inbox dead-letters import - --url http://other:8080
    """
    api, pace = Api(url), Pace(rate)
    outcome = {"imported": 0, "known": 0}
    try:
        with progress("Importing", size_of(file)) as bar:
            for first, lines in in_groups(file, pace.batch):
                pace.wait()
                try:
                    answer = api.send(LETTERS, b"".join(lines))
                except RefusedError as error:
                    raise click.ClickException(about_the_file(error.message, first)) from None
                for name in outcome:
                    outcome[name] += answer[name]
                pace.passed(len(lines))
                bar.update(sum(map(len, lines)))
    except (click.ClickException, KeyboardInterrupt):
        click.echo(f"Before that {_letters(outcome['imported'])} imported.", err=True)
        raise
    known = f"; {outcome['known']} were here already" if outcome["known"] else ""
    show_outcome(outcome, f"{_letters(outcome['imported'])} imported{known}", as_json=as_json)


def _one_way(ids: tuple[str, ...], everything: bool, wanted: Mapping[str, str | None]) -> dict[str, str | None]:
    """The filter that was given. Raises UsageError unless letters were named in just one way."""
    filters = _given(wanted)
    if sum((bool(ids), everything, bool(filters))) != 1:
        raise click.UsageError("Say which: IDs; or what they have in common, as --reason invalid; or --all.")
    return filters


def _given(wanted: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in wanted.items() if value}


def _count(api: Api, filters: Mapping[str, str | None]) -> int:
    query = urlencode({name: value for name, value in filters.items() if value})
    return int(api.change("GET", f"{LETTERS}/count" + (f"?{query}" if query else ""))["count"])


def _ask(question: str) -> None:
    """Raises UsageError where nobody can be asked, ClickException where the answer is no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"{question} Nobody can be asked here, so say --yes.")
    if not click.confirm(question, err=True):
        raise click.ClickException("Nothing was discarded.")


def _letters(count: int) -> str:
    return "1 dead letter" if count == 1 else f"{count} dead letters"
