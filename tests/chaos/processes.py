"""The processes of an installation, to be killed."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tests.chaos.faulty import FAULTS
from tests.running import COMMANDS, ROOT, Service, until


class Installation(Service):
    """A Service whose web process is not waited for, and whose processes may have faults."""

    #: Faults that a process has at every start, by its name.
    always: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def launch(self, name: str, *faults: str) -> None:
        """Starts `web`, `worker`, `worker-2`, …, with faults if any are named, and waits for nothing."""
        assert name not in self.processes
        faults = faults or self.always.get(name, ())
        module = COMMANDS[name.partition("-")[0]]
        command = ["-m", "tests.chaos.faulty", ",".join(faults), module] if faults else ["-m", module]
        assert set(faults) <= FAULTS.keys()
        with (self.directory / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *command],
                env=self.environment,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def revive(self) -> list[str]:
        """Starts again what has ended by itself, as whoever runs the Procfile does; the names."""
        ended = [name for name, process in self.processes.items() if process.poll() is not None]
        for name in ended:
            del self.processes[name]
            self.launch(name)
        return ended

    def wait_for_web(self, seconds: float = 20) -> None:
        until(self._answers, seconds)

    def end_of(self, name: str, seconds: float = 20) -> int:
        """Waits for a process to end by itself; its status."""
        status = self.processes.pop(name).wait(seconds)
        return int(status)

    def children(self, name: str) -> list[int]:
        """The process ids of what a process has started."""
        return children_of(self.processes[name].pid)


def children_of(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    found = subprocess.run(("pgrep", "-P", str(pid)), capture_output=True, text=True, check=False)
    return [int(child) for child in found.stdout.split()]


def kill_pid(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
