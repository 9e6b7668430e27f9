"""Numbers counted together: nothing is lost with a process, nothing counts twice, and what has passed has passed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from app.shared_page import SharedPage
from tests.running import ROOT

OTHER = """
import sys, time
from pathlib import Path
from app.shared_page import SharedPage
page = SharedPage(3, passing=2, directory=Path(sys.argv[1]))
for _ in range(1000):
    page.own[0] += 1
page.own[1] = 0.25
page.own[2] = 7
print("counted", flush=True)
time.sleep(60)
"""


def other(directory: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", OTHER, str(directory)], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"counted\n"
    return process


def test_what_any_process_counted_is_in_the_sum_and_outlives_it_once(tmp_path: Path) -> None:
    page = SharedPage(3, passing=2, directory=tmp_path)
    page.own[0] += 5
    processes = [other(tmp_path) for _ in range(2)]
    assert list(page.sums()) == [2005, 0.5, 14]
    processes[0].kill()
    processes[0].wait()
    for _ in range(3):
        assert list(page.sums()) == [2005, 0.5, 7], "how things stood with it is over; what it had counted is not"
    processes[1].kill()
    processes[1].wait()
    assert list(page.sums()) == [2005, 0.5, 0]
    assert len(list(tmp_path.glob("[0-9]*"))) == 1, "files of the dead do not pile up"


def test_processes_that_ask_at_once_agree(tmp_path: Path) -> None:
    """Each would fold the dead one's numbers; only one may."""
    asks = (
        "import sys; from pathlib import Path; from app.shared_page import SharedPage;"
        "page = SharedPage(3, passing=2, directory=Path(sys.argv[1]));"
        "print([int(page.sums()[0]) for _ in range(50)])"
    )
    for _ in range(3):
        dead = other(tmp_path)
        os.kill(dead.pid, signal.SIGKILL)
        dead.wait()
    askers = [
        subprocess.Popen([sys.executable, "-c", asks, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for asker in askers:
        assert set(eval(asker.communicate(timeout=30)[0])) == {3000}


def test_a_process_alone_needs_no_directory() -> None:
    page = SharedPage(2, passing=1, directory=None)
    page.own[0] += 1
    assert list(page.sums()) == [1, 0]


def test_a_sum_takes_no_longer_than_a_scrape_may(tmp_path: Path) -> None:
    pages = [SharedPage(200, passing=199, directory=tmp_path) for _ in range(16)]
    began = time.perf_counter()
    pages[0].sums()
    assert time.perf_counter() - began < 0.2
