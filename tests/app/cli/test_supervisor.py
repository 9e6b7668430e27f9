"""What `run` promises about processes: they stay, they stop in order, and none is left behind."""

import os
import re
import signal
import time
from pathlib import Path

import pytest

from app.cli.child import FIRST_DELAY, HEALTHY_AFTER, LONGEST_DELAY, Child, Program, describe_status
from tests.app.cli.conftest import alive, until

#: A supervisor over children that each print their pid; `BODY` adds further ones.
SUPERVISOR = """
import sys
from app.cli.output import Output
from app.cli.supervisor import STORE, WEB, WORK, Supervisor
from app.cli.child import Program

def python(name, code, stage=WORK):
    code = "import os, signal, sys, time\\nprint('pid', os.getpid(), flush=True)\\n" + code
    return Program(name, (sys.executable, "-c", code), stage)

def goodbye(name, code=""):
    return (f"def bye(*_):\\n    {code or 'pass'}\\n    print('bye', flush=True)\\n    sys.exit(0)\\n"
            "signal.signal(signal.SIGTERM, bye)\\ntime.sleep(100)")

output = Output()
supervisor = Supervisor(output)
with supervisor.signals():
    for program in PROGRAMS:
        supervisor.add(program)
    status = supervisor.run()
output.close()
sys.exit(status)
"""


def script(tmp_path: Path, programs: str) -> str:
    path = tmp_path / "supervise.py"
    path.write_text(SUPERVISOR.replace("PROGRAMS", programs))
    return str(path)


def pids(printed: str, name: str) -> list[int]:
    return [int(pid) for pid in re.findall(rf"{re.escape(name)} +\| pid (\d+)", printed)]


def test_a_killed_process_is_started_again_with_a_line_that_says_so_and_the_others_go_on(tmp_path, start):
    supervised = start(script(tmp_path, "[python('one', 'time.sleep(100)'), python('two', 'time.sleep(100)')]"))
    until(lambda: pids(supervised.printed, "one") and pids(supervised.printed, "two"))
    os.kill(pids(supervised.printed, "one")[0], signal.SIGKILL)
    until(lambda: len(pids(supervised.printed, "one")) == 2)
    assert "one was killed by SIGKILL; starting it again in 0.5 s" in supervised.printed
    assert "one started again" in supervised.printed
    assert len(pids(supervised.printed, "two")) == 1
    assert alive(pids(supervised.printed, "two")[0])
    assert supervised.end() == 0


def test_a_process_that_keeps_dying_is_started_ever_more_slowly(tmp_path, start):
    supervised = start(script(tmp_path, "[python('one', 'sys.exit(3)')]"))
    until(lambda: "again in 2 s" in supervised.printed)
    assert "one ended with status 3; starting it again in 0.5 s" in supervised.printed
    assert "one ended with status 3; starting it again in 1 s" in supervised.printed


def test_the_delay_doubles_up_to_its_limit_and_starts_over_after_health(monkeypatch):
    child = Child(Program("one", ("true",)))
    monkeypatch.setattr(Child, "lifetime", lambda self: 0.0)
    delays = [child.postpone() for _ in range(7)]
    assert delays == [0.5, 1, 2, 4, 8, 10, 10]
    assert delays[-1] == LONGEST_DELAY
    monkeypatch.setattr(Child, "lifetime", lambda self: HEALTHY_AFTER)
    assert child.postpone() == FIRST_DELAY


def test_stopping_ends_web_then_workers_then_the_store(tmp_path, start):
    programs = (
        "[python('store', goodbye('store'), STORE), python('work', goodbye('work', 'time.sleep(0.3)'), WORK),"
        " python('web', goodbye('web', 'time.sleep(0.3)'), WEB)]"
    )
    supervised = start(script(tmp_path, programs))
    until(lambda: all(pids(supervised.printed, name) for name in ("store", "work", "web")))
    time.sleep(0.2)
    assert supervised.end(signal.SIGINT) == 0
    assert re.findall(r"(\w+) +\| bye", supervised.printed) == ["web", "work", "store"]


@pytest.mark.timeout(15)
def test_what_ignores_the_stop_is_killed_within_ten_seconds(tmp_path, start):
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(100)"
    supervised = start(script(tmp_path, f"[python('web', {deaf!r}, WEB)]"))
    until(lambda: "| deaf" in supervised.printed)
    began = time.monotonic()
    assert supervised.end() == 0
    assert 5 < time.monotonic() - began < 10
    assert "web did not end in time and is killed" in supervised.printed
    assert not alive(pids(supervised.printed, "web")[0])


def test_a_second_ctrl_c_hurries_and_still_lets_the_store_finish(tmp_path, start):
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(100)"
    supervised = start(script(tmp_path, f"[python('web', {deaf!r}, WEB), python('store', goodbye('store'), STORE)]"))
    until(lambda: "| deaf" in supervised.printed and pids(supervised.printed, "store"))
    time.sleep(0.2)
    supervised.process.send_signal(signal.SIGINT)
    until(lambda: "stopping" in supervised.printed)
    began = time.monotonic()
    assert supervised.end(signal.SIGINT) == 0
    assert time.monotonic() - began < 3
    assert "store  | bye" in supervised.printed


def test_nothing_outlives_a_supervisor_that_was_killed_not_even_grandchildren(tmp_path, start):
    nested = (
        "import subprocess; child = subprocess.Popen(['sleep', '100']); print('pid', child.pid, flush=True);"
        " signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)"
    )
    supervised = start(script(tmp_path, f"[python('web', {nested!r}, WEB), python('store', goodbye('store'), STORE)]"))
    until(lambda: len(pids(supervised.printed, "web")) == 2 and pids(supervised.printed, "store"))
    time.sleep(0.2)
    supervised.end(signal.SIGKILL)
    left = [*pids(supervised.printed, "web"), *pids(supervised.printed, "store")]
    until(lambda: not any(map(alive, left)), 5)


def test_orphans_of_a_killed_process_go_with_it(tmp_path, start):
    nested = (
        "import subprocess; child = subprocess.Popen(['sleep', '100']); print('pid', child.pid, flush=True);"
        " time.sleep(100)"
    )
    supervised = start(script(tmp_path, f"[python('web', {nested!r}, WEB)]"))
    until(lambda: len(pids(supervised.printed, "web")) == 2)
    leader, orphan = pids(supervised.printed, "web")
    os.kill(leader, signal.SIGKILL)
    until(lambda: not alive(orphan))


def test_a_killed_undertaker_is_replaced(tmp_path, start):
    supervised = start(script(tmp_path, "[python('one', 'time.sleep(100)')]"))
    until(lambda: pids(supervised.printed, "one"))
    until(lambda: _undertakers(supervised.process.pid))
    undertakers = _undertakers(supervised.process.pid)
    assert len(undertakers) == 1
    os.kill(undertakers[0], signal.SIGKILL)
    until(lambda: _undertakers(supervised.process.pid) not in ([], undertakers))
    supervised.end(signal.SIGKILL)
    until(lambda: not alive(pids(supervised.printed, "one")[0]), 5)


def test_bad_settings_at_the_start_end_everything_with_status_2(tmp_path, start):
    refuse = "print('PORT must be a number.', flush=True); sys.exit(2)"
    supervised = start(script(tmp_path, f"[python('one', 'time.sleep(100)'), python('web', {refuse!r}, WEB)]"))
    assert supervised.process.wait(8) == 2
    assert "web    | PORT must be a number." in supervised.printed
    assert "web cannot run with these settings" in supervised.printed
    assert not alive(pids(supervised.printed, "one")[0])


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with status 0"),
        (1, "ended with status 1"),
        (-9, "was killed by SIGKILL"),
        (-64, "was killed by"),
    ],
)
def test_the_line_about_a_death_says_how(status, words):
    assert describe_status(status).startswith(words)


def _undertakers(parent: int) -> list[int]:
    listed = os.popen("ps -ww -eo pid=,ppid=,stat=,args=").read().splitlines()
    rows = [line.split(None, 3) for line in listed]
    return [int(r[0]) for r in rows if int(r[1]) == parent and "undertaker.py" in r[3] and not r[2].startswith("Z")]
