"""`run` as a whole, with a tiny service in place of the real one."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from app.cli.run import read_programs
from app.cli.supervisor import WEB, WORK
from tests.app.cli.conftest import ROOT, alive, free_port, until

#: Answers /healthz, and counts its starts in the store that REDIS_URL names.
WEB_PROCESS = """
import http.server, os, redis, sys
print("starts", redis.Redis.from_url(os.environ["REDIS_URL"]).incr("starts"), "pid", os.getpid(), flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer.allow_reuse_address = True
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""


@pytest.fixture
def service(tmp_path, start):
    """Starts `run` over a Procfile of its own, with the real supervisor and the real embedded Valkey."""
    (tmp_path / "web.py").write_text(WEB_PROCESS)
    (tmp_path / "Procfile").write_text(
        f"web: python {tmp_path / 'web.py'}\nworker: python -c 'import time; time.sleep(100)'\n"
    )
    (tmp_path / "run.py").write_text(
        "import pathlib, sys\nimport app.cli\n"
        "sys.modules['app.cli.run'].find_procfile = lambda: pathlib.Path('Procfile')\n"
        "app.cli.main()\n"
    )
    port = str(free_port())

    def run(*arguments, **environment):
        return start("run.py", "run", "--port", port, *arguments, **environment)

    return run


def starts(printed):
    return [int(n) for n in re.findall(r"starts (\d+)", printed)]


def test_it_says_where_everything_is_and_what_was_stored_survives_a_restart(service, tmp_path):
    first = service(CALLBACK_TOKENS="t0ken")
    until(lambda: "is ready at" in first.printed)
    port = re.search(r"ready at http://127.0.0.1:(\d+)", first.printed)[1]
    secrets = (tmp_path / "var" / "secrets.json").read_text()
    token = re.search(r"API token +(\w+)", first.printed)[1]
    assert token in secrets
    for source in ("cts-video", "cts-audio", "cts-snapshot", "tencent-vod", "zego"):
        assert f"http://127.0.0.1:{port}/callbacks/{source}/t0ken\n" in first.printed
    assert f"http://127.0.0.1:{port}/v2/index.php" in first.printed
    assert f"http://127.0.0.1:{port}/console" in first.printed
    assert first.end(signal.SIGINT) == 0
    second = service()
    until(lambda: "is ready at" in second.printed)
    assert (starts(first.printed), starts(second.printed)) == ([1], [2])
    assert token in second.printed
    assert second.end() == 0


def test_a_killed_run_leaves_nothing_that_stops_the_next(service):
    first = service()
    until(lambda: "is ready at" in first.printed)
    first.end(signal.SIGKILL)
    time.sleep(0.2)
    second = service()
    until(lambda: "is ready at" in second.printed or second.process.poll() is not None)
    assert starts(second.printed) == [2]


def test_a_second_run_beside_the_first_is_refused(service):
    first = service()
    until(lambda: "is ready at" in first.printed)
    second = service("--port", str(free_port()))
    assert second.process.wait(8) == 1
    assert second.printed.startswith("Error: Another `transcode-inbox run` uses var")
    assert alive(first.process.pid)


def test_a_killed_valkey_is_started_again_where_it_was(service, tmp_path):
    running = service()
    until(lambda: "is ready at" in running.printed)
    pid_file = tmp_path / "var" / "valkey" / "valkey.pid"
    pid = int(pid_file.read_text())
    config = (tmp_path / "var" / "valkey" / "valkey.conf").read_text()
    os.kill(pid, signal.SIGKILL)
    until(lambda: "valkey started again" in running.printed)
    until(lambda: int(pid_file.read_text() or pid) != pid)
    assert (tmp_path / "var" / "valkey" / "valkey.conf").read_text() == config
    assert running.end() == 0


def test_redis_url_is_used_where_it_is_set(service, tmp_path):
    running = service(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    until(lambda: "web ended with status 1" in running.printed)
    assert "Connection refused" in running.printed
    assert not (tmp_path / "var" / "valkey").exists()


def test_the_procfile_that_deploys_is_the_one_that_runs():
    programs = read_programs(ROOT / "Procfile", 3)
    assert [(program.name, program.stage) for program in programs] == [
        ("web", WEB),
        ("worker.1", WORK),
        ("worker.2", WORK),
        ("worker.3", WORK),
        ("clock", WORK),
    ]
    assert programs[0].argv == (sys.executable, "-m", "app.web")


def test_a_procfile_that_cannot_be_read_is_a_sentence(tmp_path: Path):
    import click

    (tmp_path / "Procfile").write_text("web: python 'unfinished\n")
    with pytest.raises(click.ClickException, match="cannot be read"):
        read_programs(tmp_path / "Procfile", 1)
