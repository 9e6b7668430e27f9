"""The legacy pull API, over HTTP, against the running service."""

import threading
import time
from typing import Any

import pytest

from schemas.samples import sample
from tests.pull_client import PullClient
from tests.running import Service, until


@pytest.fixture
def client(service: Service) -> PullClient:
    return PullClient(service)


def recorded(service: Service, count: int) -> None:
    until(lambda: service.store.xlen("ti:events") == count)


def later(service: Service, milliseconds: int) -> None:
    """Lets queue time pass for every hold, without waiting for it."""
    service.store.hincrby("ti:time", "now", milliseconds)


def test_what_is_pulled_and_confirmed_is_gone_and_nothing_else_is(service: Service, client: PullClient) -> None:
    for _ in range(3):
        service.post("cts-video", sample("cts-video"))
    recorded(service, 3)
    events = client.pull()
    assert len(events) == 3
    assert client.confirm(events[0]["msgHandle"], events[2]["msgHandle"]) == {
        "code": 0,
        "message": "",
        "codeDesc": "Success",
    }
    later(service, 31_000)
    (again,) = client.pull()
    assert again["eventContent"] == events[1]["eventContent"]
    assert again["msgHandle"] != events[1]["msgHandle"]


def test_one_call_gives_sixteen_at_most_in_order_of_arrival(service: Service, client: PullClient) -> None:
    for number in range(20):
        body = sample("tencent-vod").replace(b'"version": "4.0"', f'"version": "4.0", "n": {number}'.encode())
        service.post("tencent-vod", body)
        recorded(service, number + 1)
    first, second = client.pull(), client.pull()
    assert (len(first), len(second)) == (16, 4)
    assert [event["eventContent"]["n"] for event in first + second] == list(range(20))


def test_an_unconfirmed_event_comes_back_after_thirty_real_seconds_and_not_before(
    service: Service, client: PullClient
) -> None:
    service.post("zego", sample("zego"))
    recorded(service, 1)
    start = time.monotonic()
    (first,) = client.pull()
    second: list[dict[str, Any]] = []
    while not second:
        second = client.pull()
    assert 29.5 <= time.monotonic() - start <= 33
    assert second[0]["eventContent"] == first["eventContent"]


def test_an_empty_queue_answers_4000_after_five_seconds(client: PullClient) -> None:
    start = time.monotonic()
    assert client.call("PullVodEvent")["code"] == 4000
    assert 4.5 <= time.monotonic() - start <= 6.5


def test_a_waiting_client_is_woken_by_an_event(service: Service, client: PullClient) -> None:
    threading.Timer(1, lambda: service.post("cts-video", sample("cts-video"))).start()
    start = time.monotonic()
    assert len(client.pull()) == 1
    assert 0.9 <= time.monotonic() - start <= 2.5


@pytest.mark.parametrize("action", ["ConfirmEvent", "ConfirmVodEvent"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("sha", ["HmacSHA256", "HmacSHA1", ""])
def test_every_way_to_sign_and_to_number_is_understood(
    service: Service, action: str, first: int, method: str, sha: str
) -> None:
    client = PullClient(service, method=method, sha=sha)
    service.post("cts-audio", sample("cts-audio"))
    recorded(service, 1)
    (event,) = client.call("PullVodEvent")["eventList"]
    assert client.call(action, **{f"msgHandle.{first}": event["msgHandle"]})["code"] == 0


def test_a_late_handle_is_refused_and_the_event_comes_back(service: Service, client: PullClient) -> None:
    service.post("cts-video", sample("cts-video"))
    recorded(service, 1)
    (event,) = client.pull()
    later(service, 30_000)
    answer = client.confirm(event["msgHandle"])
    assert answer["code"] == 4000
    assert event["msgHandle"] in answer["message"]
    assert len(client.pull()) == 1


def test_a_superseded_handle_is_refused_before_and_after_the_new_one_is_confirmed(
    service: Service, client: PullClient
) -> None:
    service.post("cts-video", sample("cts-video"))
    recorded(service, 1)
    (old,) = client.pull()
    later(service, 30_000)
    (new,) = client.pull()
    assert client.confirm(old["msgHandle"])["code"] == 4000
    assert client.confirm(new["msgHandle"])["code"] == 0
    assert client.confirm(old["msgHandle"])["code"] == 4000


def test_confirming_what_is_confirmed_succeeds_even_later(service: Service, client: PullClient) -> None:
    service.post("cts-video", sample("cts-video"))
    recorded(service, 1)
    (event,) = client.pull()
    assert client.confirm(event["msgHandle"])["code"] == 0
    assert client.confirm(event["msgHandle"])["code"] == 0
    later(service, 60_000)
    assert client.confirm(event["msgHandle"])["code"] == 0


def test_good_handles_are_confirmed_beside_a_bad_one(service: Service, client: PullClient) -> None:
    for _ in range(2):
        service.post("cts-video", sample("cts-video"))
    recorded(service, 2)
    first, second = client.pull()
    answer = client.confirm(first["msgHandle"], "garbled", second["msgHandle"])
    assert answer["code"] == 4000
    assert "garbled" in answer["message"]
    assert first["msgHandle"] not in answer["message"]
    later(service, 31_000)
    assert client.pull() == []


@pytest.mark.parametrize("count", [0, 17])
def test_no_handle_or_seventeen_are_a_bad_parameter(client: PullClient, count: int) -> None:
    assert client.confirm(*["x"] * count)["code"] == 4000


def test_a_handle_cannot_be_changed_into_another(service: Service, client: PullClient) -> None:
    service.post("cts-video", sample("cts-video"))
    recorded(service, 1)
    (event,) = client.pull()
    entry, rest = event["msgHandle"].split(".", 1)
    ms, seq = entry.split("-")
    assert client.confirm(f"{ms}-{int(seq) + 1}.{rest}")["code"] == 4000


def test_strangers_learn_nothing_but_the_code(service: Service) -> None:
    unknown = PullClient(service, secret_id="nobody").call("PullEvent")
    wrong = PullClient(service, secret_key="wrong").call("PullEvent")
    assert unknown == wrong
    assert unknown["code"] == 4100


@pytest.mark.parametrize("off", [-301, 301, "soon", ""])
def test_a_timestamp_off_by_more_than_five_minutes_is_refused(client: PullClient, off: int | str) -> None:
    timestamp = int(time.time()) + off if isinstance(off, int) else off
    assert client.call("PullEvent", Timestamp=timestamp)["code"] == 4104


def test_an_unknown_action_names_the_known_ones(client: PullClient) -> None:
    answer = client.call("DescribeInstances")
    assert answer["code"] == 4000
    assert "PullEvent" in answer["message"]


def test_a_changed_parameter_breaks_the_signature(client: PullClient) -> None:
    query = client.signed("PullEvent").replace("Region=gz", "Region=sh")
    assert client.send(query)["code"] == 4100


def test_two_hundred_consumers_never_hold_one_event_twice(service: Service) -> None:
    for _ in range(300):
        service.post("zego", sample("zego"))
    recorded(service, 300)
    handles: list[str] = []

    def consume() -> None:
        client = PullClient(service)
        while events := client.pull():
            handles.extend(event["msgHandle"].split(".")[0] for event in events)

    threads = [threading.Thread(target=consume) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(handles) == len(set(handles)) == 300


def test_a_clock_that_jumps_ends_no_hold_and_loses_no_event(service: Service, client: PullClient) -> None:
    service.post("cts-video", sample("cts-video"))
    recorded(service, 1)
    (event,) = client.pull()
    for hour in (3_600_000, -3_600_000):
        # As if the server's clock had been moved by an hour since anybody last looked.
        service.store.hincrby("ti:time", "wall", hour)
        assert client.pull() == []
    assert client.confirm(event["msgHandle"])["code"] == 0
