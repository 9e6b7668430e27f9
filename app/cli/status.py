"""`transcode-inbox status`: is it able to accept, what waits and for how long, what comes in, and who works."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from app.cli.api import TIMEOUT, json_option, table
from app.cli.client import Client, url_option

#: Seconds in what a time is told in.
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
#: The parts that are stages of the flow, in its order, and what their name is to people.
_STAGES = (("spool", "spool"), ("inbox", "inbox"), ("deliveries", "deliveries"), ("dead_letters", "dead letters"))


@click.command(short_help="Show what waits, for how long, and who works.")
@json_option
@url_option
def status(as_json: bool, url: str) -> None:
    """Show queue depths, rates, the oldest waiting, and processes.

    \b
    STAGE     where callbacks wait on their way: the spool (while the store is away),
              the inbox (for a worker), each pull queue (for a consumer), deliveries
              (for their destination), dead letters (for you)
    OLDEST    how long the oldest of them has waited; in a pull queue, of those that
              no consumer holds
    CALLBACKS A SECOND   acknowledged, over the last minute

    What is not well is said last. JSON in a pipe, as /readyz has it. Exit status 1 where it cannot accept callbacks.

    \b
    Examples:
      transcode-inbox status
      transcode-inbox status --json
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


def readable(document: dict[str, Any]) -> Iterator[str]:
    """The lines of what `/readyz` answers, for people."""
    parts: dict[str, Any] = document.get("parts", {})
    blocks = [
        _table(("STAGE", "WAITING", "OLDEST", ""), list(_stages(parts))),
        _table(
            ("SOURCE", "CALLBACKS A SECOND"), [(name, f"{rate:g}") for name, rate in document.get("rates", {}).items()]
        ),
        _table(
            ("PROCESS", "HOST", "PID", "UP", "SILENT", "MESSAGES"),
            [
                (
                    process["kind"],
                    process["host"],
                    str(process["pid"]),
                    duration(process["age"]),
                    duration(process["silent"]) + ("" if process["lives"] else " (gone)"),
                    str(process["finished"]) if process["kind"] == "worker" else "",
                )
                for process in parts.get("processes", {}).get("list", [])
            ],
        ),
        [
            f"{name.replace('_', ' ')}: {part.get('message', 'not well')}"
            for name, part in parts.items()
            if not part["ok"]
        ],
    ]
    yield "ready to accept callbacks" if document.get("ready") else "NOT ready to accept callbacks"
    for block in filter(None, blocks):
        yield ""
        yield from block


def _stages(parts: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    notes: dict[str, Callable[[dict[str, Any]], str]] = {
        "spool": lambda part: f"of {size(part['max_bytes'])}",
        "inbox": lambda _: "groups of callbacks",
        "deliveries": lambda part: f"{part['out']} under way, {duration(part['late_seconds'])} late",
        "dead_letters": lambda _: "",
    }
    for name, title in _STAGES:
        if name == "deliveries":
            for queue, about in parts.get("pull_queues", {}).get("queues", {}).items():
                yield f"pull queue {queue}", str(about["waiting"]), _age(about), f"{about['held']} held by consumers"
        if name in parts:
            part = parts[name]
            waiting = size(part["bytes"]) if name == "spool" else str(part["waiting"])
            yield title, waiting, _age(part), notes[name](part)


def _age(part: dict[str, Any]) -> str:
    return duration(part["oldest_seconds"]) if part["oldest_seconds"] else "-"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return table(headings, rows) if rows else []


def duration(seconds: float) -> str:
    """`3 d 4 h`, `2 min 5 s`, `0.4 s`: the two largest units."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    left = int(seconds)
    said: list[str] = []
    for length, unit in _UNITS:
        number, left = divmod(left, length)
        if number or said:
            said.append(f"{number} {unit}" if number else "")
        if len(said) == 2:
            break
    return " ".join(filter(None, said))


def size(number: float) -> str:
    """`1.5 MiB`."""
    for unit in ("bytes", "KiB", "MiB"):
        if number < 1024:
            return f"{number:.4g} {unit}"
        number /= 1024
    return f"{number:.3g} GiB"
