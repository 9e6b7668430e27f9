"""The `/api/*` calls that the commands need, and their answers as a table or as JSON."""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import click

from app.cli.client import Answer, Client
from app.cli.data_dir import secret

#: Seconds for one answer.
TIMEOUT = 30.0
#: Entries asked for at once.
PAGE = 100
#: Columns of one table cell.
WIDEST = 60

#: C1 controls, line separators, marks that turn the direction of writing, and half characters. JSON escapes the others itself.
_NOT_PLAIN = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

_Command = TypeVar("_Command", bound=Callable[..., Any])


def for_programs(_: click.Context, __: click.Parameter, chosen: bool | None) -> bool:
    """What was chosen, else JSON wherever stdout is no terminal."""
    return not sys.stdout.isatty() if chosen is None else chosen


json_option = click.option(
    "--json/--table",
    "as_json",
    default=None,
    callback=for_programs,
    help="One JSON object a line, or a table. [default: a table on a terminal, JSON elsewhere]",
)
text_option = click.option(
    "--json/--text",
    "as_json",
    default=None,
    callback=for_programs,
    help="JSON, or text. [default: text on a terminal, JSON elsewhere]",
)
limit_option = click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")


class BadUsageError(click.ClickException):
    """What was typed is refused, by the server and in its own words."""

    exit_code = click.UsageError.exit_code


class RefusedError(click.ClickException):
    """The server refuses, in its own words, with this status of HTTP."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """`/api/*` of one transcode-inbox, with API_TOKEN from the environment or from DATA_DIR."""

    def __init__(self, url: str) -> None:
        self._client = Client(url, timeout=TIMEOUT)
        self._headers = {"Authorization": f"Bearer {secret('API_TOKEN', os.environ)}"}

    def one(self, kind: str, identity: str) -> Any:
        """One thing by its id. Raises ClickException with the server's own message where it refuses."""
        return self._call("GET", f"/api/{kind}/{_segment(identity)}").json()

    def change(self, method: str, path: str, *, then: str = "", body: Any = None, **query: str) -> Any:
        """Ask for a change of `path`, with `then` after it and `body` as JSON if given; the answer, if any."""
        text = None if body is None else json.dumps(body).encode()
        answer = self._call(method, path + (f"/{then}" if then else ""), query, text)
        return answer.json() if answer.body.strip() else None

    def send(self, path: str, body: bytes, **query: str) -> Any:
        """Post `body`; the answer. Raises RefusedError where the server refuses it."""
        return self._call("POST", path, query, body).json()

    def listed(self, kind: str, filters: Mapping[str, str | None], limit: int) -> Iterator[dict[str, Any]]:
        """At most `limit` things of a kind, newest first, over as many pages as it takes."""
        query = {name: value for name, value in filters.items() if value}
        left = limit
        while left > 0:
            page = self._call("GET", f"/api/{kind}", {**query, "limit": str(min(left, PAGE))}).json()
            entries = page.get(kind.replace("-", "_"), []) if isinstance(page, dict) else []
            yield from entries[:left]
            left -= len(entries)
            if not page.get("next"):
                return
            query["cursor"] = str(page["next"])

    def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        target = path + (f"?{urlencode(query)}" if query else "")
        answer = self._client.request(method, target, headers=self._headers, body=body)
        if not answer.ok:
            raise RefusedError(_refusal(answer), answer.status)
        return answer


def path_of(kind: str, identity: str) -> str:
    """The path of one thing, whatever characters its id has."""
    return f"/api/{kind}/{_segment(identity)}"


def show_list(entries: Iterator[dict[str, Any]], columns: Mapping[str, str], *, as_json: bool, none: str) -> None:
    """Print a table, `columns` being heading and key, or JSON lines; or `none` where there is nothing."""
    if as_json:
        for entry in entries:
            click.echo(json_line(entry))
        return
    rows = [[_cell(entry.get(key)) for key in columns.values()] for entry in entries]
    if not rows:
        click.echo(none, err=True)
        return
    for line in table(list(columns), rows):
        click.echo(line)


def show_one(thing: Any) -> None:
    """Print one thing as JSON: indented on a terminal, a line elsewhere."""
    click.echo(_plain(json.dumps(thing, ensure_ascii=False, indent=2)) if sys.stdout.isatty() else json_line(thing))


def show_outcome(outcome: Mapping[str, Any], sentence: str, *, as_json: bool) -> None:
    """Print what was done, for a program or for a person."""
    click.echo(json_line(outcome) if as_json else sentence)


def json_line(thing: Any) -> str:
    """One line of JSON, which can be written wherever it goes."""
    return _plain(json.dumps(thing, ensure_ascii=False, separators=(",", ":")))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table; a cell that is too wide is cut, but never the first of a row, which is its id."""
    cut = [[cell if n == 0 else _cut(cell) for n, cell in enumerate(row)] for row in (headings, *rows)]
    widths = [max(map(width_of, column)) for column in zip(*cut, strict=True)]
    return [
        "  ".join(cell + " " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cut
    ]


def _plain(text: str) -> str:
    """The same JSON, with what a terminal may obey, and half characters, which no output takes, written as escapes."""
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _segment(identity: str) -> str:
    return quote(identity, safe=":")


def _refusal(answer: Answer) -> str:
    if answer.status == 401:
        return "The API token is wrong: set API_TOKEN to the one that transcode-inbox was started with."
    try:
        return str(answer.json()["error"]["message"])
    except (click.ClickException, KeyError, TypeError):
        return answer.described()


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(_cell, value)) if all(isinstance(one, str) for one in value) else str(len(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(character if character.isprintable() else "?" for character in text)


def _cut(text: str) -> str:
    if width_of(text) <= WIDEST:
        return text
    while width_of(text) >= WIDEST:
        text = text[:-1]
    return text + "…"


def width_of(text: str) -> int:
    """Columns on a terminal: the vendors write Chinese, two columns a character."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
