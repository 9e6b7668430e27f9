"""`python -m tests.bench`: runs the scenarios one after the other, prints a table each, keeps the results."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from tests.bench import install, report
from tests.bench.backlog import backlog
from tests.bench.depth import deep
from tests.bench.end_to_end import end_to_end
from tests.bench.history import history
from tests.bench.ingress import alone, fsync, ingress
from tests.bench.plan import Plan
from tests.bench.pull import pull
from tests.bench.servers import BenchError, program, valkey_binary
from tests.bench.waiting_clients import waiting_clients

Scenario = Callable[[Plan], report.Section]

SCENARIOS: dict[str, Scenario] = {
    "ingress": ingress,
    "alone": alone,
    "fsync": fsync,
    "backlog": backlog,
    "waiting": waiting_clients,
    "end_to_end": end_to_end,
    "pull": pull,
    "history": history,
    "deep": deep,
}

#: Run only when named or asked for with --deep.
LONG = ("history", "deep")


class Connections(click.ParamType):
    """A list of numbers such as 64,256."""

    name = "numbers"

    def convert(self, value, param, ctx):
        if not isinstance(value, str):
            return value
        parts = value.split(",")
        if not all(part.strip().isdecimal() and int(part) for part in parts):
            self.fail(f"{value!r} is not a list of numbers such as 64,256", param, ctx)
        return tuple(int(part) for part in parts)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(SCENARIOS)), metavar="[NAMES]...")
@click.option("--seconds", default=8.0, show_default=True, help="How long each load runs.")
@click.option("--connections", default="64,256", show_default=True, type=Connections(), help="Of wrk.")
@click.option("--rounds", default=2, show_default=True, help="How often each contestant takes its turn.")
@click.option("--scale", default=1.0, show_default=True, help="Multiplies the sizes of backlogs and queues.")
@click.option("--deep", is_flag=True, help="Also with a million callbacks waiting, and a million kept: half an hour.")
@click.option("--out", default="docs/bench", show_default=True, type=click.Path(path_type=Path))
def main(
    names: tuple[str, ...],
    seconds: float,
    connections: tuple[int, ...],
    rounds: int,
    scale: float,
    deep: bool,
    out: Path,
) -> None:
    """Measures transcode-inbox and its peers under the same load.

    NAMES: ingress, alone, fsync, backlog, waiting, end_to_end, pull, history, deep; without any, all but the last two.
    """
    chosen = list(dict.fromkeys(names or (name for name in SCENARIOS if name not in LONG)))
    if deep:
        chosen += [name for name in LONG if name not in chosen]
    try:
        _prepare(chosen)
    except BenchError as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None
    # Killed, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sections, failed = _run(chosen, Plan(seconds, connections, rounds, scale))
    if sections:
        written = ", ".join(str(path) for path in report.write(sections, out))
        report.say(f"\n{_verdict(sections)} Written: {written}")
    raise SystemExit(1 if failed else 0)


def _prepare(chosen: list[str]) -> None:
    """Finds or installs what the scenarios need; raises BenchError before anything has run."""
    program("wrk")
    valkey_binary()
    if "pull" in chosen:
        program("beanstalkd")
    if not {"ingress", "pull"}.isdisjoint(chosen):
        install.node_peers()
    for environment in ("flask", "arq"):
        install.python_peers(environment)


def _run(chosen: list[str], plan: Plan) -> tuple[dict[str, report.Section], bool]:
    """What the scenarios found, and whether any had to be given up; the others go on."""
    sections: dict[str, report.Section] = {}
    failed = False
    try:
        for name in chosen:
            report.say(f"\n{name} …")
            try:
                sections[name] = SCENARIOS[name](plan)
            except BenchError as error:
                failed = True
                click.echo(f"{name} was given up: {error}", err=True)
            else:
                report.say(report.as_text(sections[name]))
    except KeyboardInterrupt:
        failed = True
        click.echo("Interrupted.", err=True)
    return sections, failed


def _verdict(sections: dict[str, report.Section]) -> str:
    required = [ratio for section in sections.values() for ratio in section.ratios if ratio.required is not None]
    return f"{sum(ratio.met for ratio in required)} of {len(required)} required ratios met."


if __name__ == "__main__":
    main(prog_name="python -m tests.bench")
