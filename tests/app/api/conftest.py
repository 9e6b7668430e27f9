"""A service with something of everything in it."""

import pytest

from schemas.samples import packaged, sample
from schemas.sources import SOURCES
from tests.pull_client import PullClient
from tests.running import Service, until

#: Further forms of callback than each source's own.
FURTHER = ("cts-snapshot-failed", "cts-video-basic", "cts-video-basic-failed", "cts-video-failed", "tencent-vod-failed")


@pytest.fixture
def full_service(service: Service) -> Service:
    """The running service, with events of every source and form, what can happen to one, and dead letters."""
    for name in FURTHER:
        service.post(name.removesuffix("-failed").removesuffix("-basic"), packaged(name))
    for source in SOURCES:
        for body in (sample(source, fresh=False), b"{}", b"{", b"{\xff}", b'[1, "\\ud800"]'):
            service.post(source, body)
    until(lambda: service.store.xlen("ti:inbox") == 0)
    PullClient(service).drain()
    for source in SOURCES:
        service.post(source, sample(source, fresh=False))
    until(lambda: service.store.xlen("ti:inbox") == 0)
    return service
