"""`transcode-inbox run`: everything on this machine, from the Procfile that deploys."""

import contextlib
import os
import shlex
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click
from honcho.environ import parse_procfile

import app
from app.cli import data_dir as data_dirs
from app.cli.child import Program
from app.cli.embedded import EmbeddedValkey, find_server
from app.cli.output import SYSTEM, Output
from app.cli.supervisor import BAD_SETTINGS, TICK, WEB, WORK, Supervisor
from app.cli.welcome import announce
from schemas.settings import Settings, SettingsError, read_settings

#: Seconds after which it is said that the store is still reading what it had written.
LOADING_NOTICE = 3.0


class BadSettingsError(click.ClickException):
    """The environment cannot be used as it is."""

    exit_code = BAD_SETTINGS


@click.command(short_help="Run everything on this machine.")
@click.option("--port", type=click.IntRange(1, 65535), help="Where to listen.  [default: PORT, or 8080]")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the embedded server and the secrets are kept.  [default: DATA_DIR, or var]",
)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Worker processes.")
def run(port: int | None, data_dir: Path | None, workers: int) -> None:
    """Run the ingress, workers, clock and, without REDIS_URL, an embedded Valkey.

    A process that dies is started again while the others go on. Ctrl-C stops everything within 10 s; what was
    accepted is still there at the next start.

    \b
    Examples:
      transcode-inbox run
      transcode-inbox run --port 9000 --data-dir /srv/inbox --workers 4
    """
    environment = {name: value for name, value in os.environ.items() if value}
    if port:
        environment["PORT"] = str(port)
    if data_dir:
        environment["DATA_DIR"] = str(data_dir)
    settings = _check(environment)
    programs = read_programs(find_procfile(), workers)
    if "REDIS_URL" not in environment:
        find_server()
    _check_port(settings.port)
    data_dirs.prepare(settings.data_dir)
    with data_dirs.alone(settings.data_dir):
        secrets = data_dirs.make_secrets(settings.data_dir, environment)
        environment |= {name: secrets[name] for name in data_dirs.MADE_UP}
        environment.setdefault("SPOOL_DIR", str(settings.data_dir / "spool"))
        environment |= {
            "PORT": str(settings.port),
            "DATA_DIR": str(settings.data_dir),
            "PYTHONUNBUFFERED": "1",
        }
        # Their lines are shown with their names before them, to people.
        environment.setdefault("LOG_FORMAT", "text")
        sys.exit(_supervise(programs, environment, settings, secrets[data_dirs.VALKEY_PASSWORD]))


def _supervise(programs: list[Program], environment: dict[str, str], settings: Settings, password: str) -> int:
    """Run until told to stop; the exit status."""
    output = Output(width=max(len(SYSTEM), *(len(program.name) for program in programs)))
    supervisor = Supervisor(output)
    with contextlib.closing(output), contextlib.ExitStack() as stack:
        stack.enter_context(supervisor.signals())
        stack.callback(supervisor.end)
        if "REDIS_URL" not in environment:
            valkey = EmbeddedValkey(settings.data_dir, password)
            stack.enter_context(valkey.claim())
            environment["REDIS_URL"] = valkey.url
            _start_store(supervisor, valkey)
        if not supervisor.stopping:
            for program in programs:
                supervisor.add(program.within(environment))
            announce(output, read_settings(environment))
        return supervisor.run()


def _start_store(supervisor: Supervisor, valkey: EmbeddedValkey) -> None:
    """Start the embedded server and wait until it has read all it wrote. Raises ClickException."""
    child = supervisor.add(valkey.program)
    began = time.monotonic()
    patient = False
    while not supervisor.stopping and valkey.state() != "ready":
        supervisor.turn()
        if child.process is None:
            raise click.ClickException(f"The embedded Valkey does not start; it keeps its files in {valkey.directory}.")
        if not patient and time.monotonic() - began > LOADING_NOTICE:
            supervisor.output.system("waiting for the embedded Valkey to read what it had written")
            patient = True
        time.sleep(TICK)


def find_procfile() -> Path:
    """The Procfile beside the `app` package, else the one in the current directory. Raises ClickException.

    In this order, so that `run` within another project does not run that project's processes.
    """
    for directory in (Path(app.__path__[0]).parent, Path.cwd()):
        if (directory / "Procfile").is_file():
            return directory / "Procfile"
    raise click.ClickException("There is no Procfile here; run this where transcode-inbox was checked out.")


def read_programs(procfile: Path, workers: int) -> list[Program]:
    """The Procfile's programs, `worker` as often as asked. Raises ClickException if it cannot be read.

    Commands are run without a shell, so that a signal reaches the program itself, and `python` is this
    Python, so that no virtual environment needs to be active.
    """
    programs = []
    try:
        for kind, command in parse_procfile(procfile.read_text(encoding="utf-8")).processes.items():
            argv = shlex.split(command)
            argv[0] = sys.executable if argv[0] in ("python", "python3") else argv[0]
            stage = WEB if kind == "web" else WORK
            names = [f"worker.{n}" for n in range(1, workers + 1)] if kind == "worker" else [kind]
            programs += [Program(name, tuple(argv), stage, {"HONCHO_PROCESS_NAME": name}) for name in names]
    except (OSError, ValueError, AssertionError) as error:
        raise click.ClickException(f"{procfile} cannot be read: {error}.") from None
    if not programs:
        raise click.ClickException(f"{procfile} names no process.")
    return programs


def _check(environment: Mapping[str, str]) -> Settings:
    """The settings, as far as they are known before anything is started. Raises BadSettingsError."""
    later = {"REDIS_URL": "redis://", "API_TOKEN": "later", "PULL_CREDENTIALS": "later:later"}
    try:
        return read_settings({**later, **environment})
    except SettingsError as error:
        raise BadSettingsError(str(error)) from None


def _check_port(port: int) -> None:
    """Raises BadSettingsError if somebody listens there already, or this user may not."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except PermissionError:
            raise BadSettingsError(
                f"Port {port} may not be used by this user: choose one above 1023 with --port."
            ) from None
        except OSError:
            raise BadSettingsError(
                f"Port {port} is in use already: stop what uses it, or choose another --port."
            ) from None
