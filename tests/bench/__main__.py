"""`python -m tests.bench [names…]`: runs the scenarios one after the other, prints a table each, and writes the results."""

from collections.abc import Callable
from pathlib import Path

import click

from tests.bench import report
from tests.bench.ingress import Plan, alone, fsync, ingress
from tests.bench.servers import BenchError, program

Scenario = Callable[[Plan], report.Section]

SCENARIOS: dict[str, Scenario] = {
    "ingress": ingress,
    "alone": alone,
    "fsync": fsync,
}

#: Run only when named, or with --deep: they take many minutes.
DEEP = ("deep",)


class _Connections(click.ParamType):
    name = "numbers"

    def convert(self, value, param, ctx):
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in value.split(",") if int(part) > 0)
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers such as 64,256", param, ctx)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(SCENARIOS)), metavar="[NAMES]...")
@click.option("--seconds", default=8.0, show_default=True, help="How long each load runs.")
@click.option(
    "--connections",
    default="64,256",
    show_default=True,
    type=_Connections(),
    help="Connections of the load generator.",
)
@click.option("--rounds", default=2, show_default=True, help="How often each contestant takes its turn.")
@click.option(
    "--scale",
    default=1.0,
    show_default=True,
    help="Multiplies the number of callbacks in the scenarios that count.",
)
@click.option("--deep", is_flag=True, help="Also with a million callbacks waiting; takes half an hour.")
@click.option(
    "--out",
    default="docs/bench",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where results are written.",
)
def main(
    names: tuple[str, ...],
    seconds: float,
    connections: tuple[int, ...],
    rounds: int,
    scale: float,
    deep: bool,
    out: Path,
) -> None:
    """Measures transcode-inbox and its peers. NAMES: ingress, alone, fsync, backlog, end_to_end, pull, deep; all but deep when none is given."""
    chosen = names or tuple(name for name in SCENARIOS if name not in DEEP)
    if deep:
        chosen = tuple(dict.fromkeys((*chosen, *DEEP)))
    plan = Plan(seconds, connections, rounds, scale)
    sections: dict[str, report.Section] = {}
    try:
        program("wrk")
        for name in chosen:
            report.say(f"\n{name} …")
            sections[name] = SCENARIOS[name](plan)
            report.say(report.as_text(sections[name]))
    except BenchError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        if sections:
            written = ", ".join(str(path) for path in report.write(sections, out))
            report.say(f"\nWritten: {written}")


main(prog_name="python -m tests.bench")
