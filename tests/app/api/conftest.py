"""A service with something of everything in it."""

import json
from typing import Any

import pytest

from schemas.samples import packaged, sample
from schemas.sources import SOURCES
from tests.pull_client import PullClient
from tests.running import API_TOKEN, Service, until

#: Further forms of callback than each source's own.
FURTHER = ("cts-snapshot-failed", "cts-video-basic", "cts-video-basic-failed", "cts-video-failed", "tencent-vod-failed")

#: Who is sent what: nobody listens at port 9 of this machine; the service's own pull URL answers 200 to whatever is posted, and
#: its health 405.
SUBSCRIPTIONS = (
    {"url": "http://127.0.0.1:9/hook", "filter": {"kind": "video", "min_height": 720}},
    {"url": "{url}/v2/index.php?key=secret", "filter": {"source": "zego"}, "each": "event"},
    {"url": "{url}/healthz", "filter": {"source": "cts-audio"}},
    {"url": "celery://their-queue/their.task", "each": "event"},
)


@pytest.fixture
def full_service(service: Service) -> Service:
    """The running service, with events of every source and form, what can happen to one, dead letters, subscriptions."""
    for subscription in SUBSCRIPTIONS:
        asked = {**subscription, "url": str(subscription["url"]).format(url=service.url)}
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        assert service.request("POST", "/api/subscriptions", json.dumps(asked).encode(), headers).status == 201
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
    until(lambda: all(attempted(one) for one in service.api("subscriptions").json["subscriptions"]))
    return service


def attempted(subscription: dict[str, Any]) -> bool:
    return bool(subscription["health"]["last_attempts"])
