"""`transcode-inbox send`: callbacks as the vendors send them."""

import os
import sys
import time
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import quote

import click

from app.cli.client import Client, url_option
from app.cli.posting import Poster

#: Seconds between two lines about what goes wrong.
COMPLAIN_EVERY = 1.0


class SourceName(click.ParamType[str]):
    """The name of a source that is registered."""

    name = "source"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check `value`; an unknown one is bad usage."""
        from schemas.sources import SOURCES  # not at the top: it brings marshmallow

        if value not in SOURCES:
            self.fail(f"{value!r} is not a source; the sources are {', '.join(SOURCES)}.", param, ctx)
        return str(value)


@click.command(short_help="Post callbacks as a vendor does.")
@click.argument("source", type=SourceName())
@url_option
@click.option("--file", "file", type=click.File("rb"), help="Post these bytes, as they are. [default: the sample body]")
@click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="How many callbacks.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="At most so many a second.")
def send(source: str, url: str, file: IO[bytes] | None, count: int, rate: float | None) -> None:
    """Post callbacks to SOURCE's URL as that vendor does, retries included.

    Without --file they are the documented body with fresh ids for each. Exit status 1 when any was lost.

    \b
    Examples:
      transcode-inbox send cts-video
      transcode-inbox send cts-video --count 500 --rate 200
      transcode-inbox send zego --file schemas/samples/zego.json
    """
    from schemas.sources import SOURCES  # not at the top: it brings marshmallow

    vendor = SOURCES[source]
    client = Client(url, timeout=vendor.response_timeout)
    shown = count > 1 and sys.stderr.isatty()
    with click.progressbar(length=count, label=f"Sending {source}", file=sys.stderr, hidden=not shown) as progress:
        poster = Poster(
            client,
            _callback_path(source),
            waits=vendor.retries,
            on_problem=_complain(source),
            on_done=lambda: progress.update(1),
        )
        tally = poster.post_all(_bodies(source, file, count), rate=rate)
    click.echo(f"{source}: {tally}")
    if tally.lost:
        raise click.ClickException(tally.last_problem)


def _complain(source: str) -> Any:
    last = float("-inf")

    def complain(problem: str, again_in: float | None) -> None:
        nonlocal last
        if again_in is not None and time.monotonic() - last >= COMPLAIN_EVERY:
            last = time.monotonic()
            click.echo(f"{problem} {source} tries again in {again_in:g} s.", err=True)

    return complain


def _callback_path(source: str) -> str:
    tokens = [token for token in (os.environ.get("CALLBACK_TOKENS") or "").split(",") if token.strip()]
    return f"/callbacks/{source}" + (f"/{quote(tokens[0].strip(), safe='')}" if tokens else "")


def _bodies(source: str, file: IO[bytes] | None, count: int) -> Iterator[bytes]:
    if file is not None:
        body = file.read()
        for _ in range(count):
            yield body
        return
    from schemas.samples import sample

    for _ in range(count):
        yield sample(source, fresh=True, zego_secret=os.environ.get("ZEGO_CALLBACK_SECRET") or None)
