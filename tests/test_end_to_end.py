"""From POST to pull, through the real web, worker and clock processes and a real store."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.samples import sample
from schemas.sources import SOURCES
from tests.pull_client import PullClient
from tests.queue_state import waiting
from tests.running import SECRET_ID, Service, until

#: What the vendors' own examples fan out to.
DOCUMENTED = {"cts-video": 8, "cts-audio": 7, "cts-snapshot": 5, "tencent-vod": 6, "zego": 1}
BROKEN = [
    Path(__file__).parent / "schemas" / "documented" / f"{name}.txt"
    for name in ("cts-video", "cts-video-failed", "cts-video-basic", "cts-video-basic-failed")
]


def settled(service: Service) -> None:
    until(lambda: service.store.xlen("ti:inbox") == 0)


@pytest.mark.parametrize(("source", "renditions"), DOCUMENTED.items())
def test_the_documented_callback_fans_out_and_is_pulled_once(service: Service, source: str, renditions: int) -> None:
    assert service.post(source, sample(source, fresh=False)).json == {"code": 0}
    settled(service)
    (event,) = service.api("events").json["events"]
    assert event["source"] == source
    assert len(event["renditions"]) == renditions
    listed = service.api(f"renditions?media_id={event['media_id']}").json["renditions"]
    assert {r["id"] for r in listed} == {r["id"] for r in event["renditions"]}
    assert len(listed) == renditions

    (pulled,) = PullClient(service).drain()
    assert pulled["version"] in ("4.0", 4)
    if source == "tencent-vod":
        assert pulled == json.loads(sample(source, fresh=False))
    else:
        assert pulled["data"]["eventId"] == event["id"]
    assert waiting(service) == 0


def test_one_event_is_whole_with_its_raw_body_and_its_history(service: Service) -> None:
    body = sample("cts-video")
    for _ in range(2):
        service.post("cts-video", body)
        settled(service)
    PullClient(service).drain()
    (listed,) = service.api("events").json["events"]
    event = service.api(f"events/{listed['id']}").json
    assert event["raw"] == json.loads(body)
    assert event["raw_body"].encode() == body
    assert {key: event[key] for key in listed} == listed
    story = {step["what"]: step for step in event["history"]}
    assert list(story) == ["received", "recorded", "duplicate", "pulled", "confirmed"]
    assert story["pulled"]["by"] == SECRET_ID
    assert story["recorded"]["by"].endswith(f":{service.processes['worker'].pid}")
    assert 0 <= story["recorded"]["after"] < 5000
    # Once what is only needed for pulling is dropped, the story is still the same.
    until(lambda: not service.store.exists("ti:pull:0:confirmed"))
    assert service.api(f"events/{listed['id']}").json["history"] == event["history"]


@pytest.mark.parametrize("source", DOCUMENTED)
def test_the_same_callback_again_is_acknowledged_and_changes_nothing(service: Service, source: str) -> None:
    body = sample(source)
    for _ in range(3):
        assert service.post(source, body).status == 200
    settled(service)
    assert len(PullClient(service).drain()) == 1
    assert len(service.api("renditions").json["renditions"]) == DOCUMENTED[source]


def test_a_zego_retry_with_another_timestamp_and_nonce_is_the_same_callback(service: Service) -> None:
    callback = json.loads(sample("zego"))
    for attempt in range(3):
        again = {**callback, "Timestamp": str(1700000000 + attempt), "Nonce": str(attempt), "Signature": "x" * attempt}
        service.post("zego", json.dumps(again).encode())
    settled(service)
    assert len(service.api("events").json["events"]) == 1


def test_later_renditions_of_a_vod_task_are_added_and_earlier_ones_not_repeated(service: Service) -> None:
    callback = json.loads(sample("tencent-vod"))
    play_set = callback["data"]["playSet"]
    for count in (2, 3, 6):
        callback["data"]["playSet"] = play_set[:count]
        service.post("tencent-vod", json.dumps(callback).encode())
        settled(service)
    media_id = callback["data"]["fileId"]
    assert len(service.api("events").json["events"]) == 3
    for query in ("", f"?media_id={media_id}"):
        names = [rendition["name"] for rendition in service.api(f"renditions{query}").json["renditions"]]
        assert sorted(names) == sorted(str(entry["definition"]) for entry in play_set)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_the_pages_broken_examples_end_as_dead_letters_with_line_and_column(service: Service, path: Path) -> None:
    source = next(name for name in SOURCES if path.name.startswith(name))
    assert service.post(source, path.read_bytes()).status == 200
    settled(service)
    (letter,) = service.api("dead-letters").json["dead_letters"]
    assert letter["reason"] == "malformed_json"
    assert letter["message"].startswith("line ")
    assert " column " in letter["message"]
    assert letter["raw"].encode() == path.read_bytes()


def test_one_bad_callback_among_good_ones_costs_them_nothing(service: Service) -> None:
    good = [sample(source) for source in DOCUMENTED]
    for source, body in zip(DOCUMENTED, good, strict=True):
        service.post(source, b"\xff\xfe\x00")
        service.post(source, body)
        service.post(source, b"{}")
    settled(service)
    assert Counter(event["source"] for event in service.api("events").json["events"]) == Counter(DOCUMENTED.keys())
    assert len(service.api("dead-letters").json["dead_letters"]) == 10


def test_a_dead_letter_can_be_read_replayed_and_discarded(service: Service) -> None:
    service.post("cts-video", b"{}")
    settled(service)
    (letter,) = service.api("dead-letters").json["dead_letters"]
    assert letter["reason"] == "invalid"
    assert service.api(f"dead-letters/{letter['id']}").json == letter
    assert service.api(f"dead-letters/{letter['id']}/replay", "POST").status == 202
    again = until(lambda: service.api("dead-letters").json["dead_letters"])[0]
    assert (again["id"], again["received_at"]) == (letter["id"], letter["received_at"])
    assert service.api(f"dead-letters/{letter['id']}", "DELETE").status == 204
    assert service.api(f"dead-letters/{letter['id']}", "DELETE").status == 404
    assert service.api("dead-letters").json == {"dead_letters": [], "next": None}


def test_lists_are_filtered_and_paged(service: Service) -> None:
    for source in DOCUMENTED:
        for _ in range(3):
            service.post(source, sample(source))
    settled(service)
    ids, cursor = [], ""
    while cursor is not None:
        page = service.api(f"events?limit=4&cursor={cursor}").json
        ids += [event["id"] for event in page["events"]]
        cursor = page["next"]
    assert len(ids) == len(set(ids)) == 15
    everything = service.api("events").json["events"]
    assert [event["id"] for event in everything] == ids
    for name in ("source", "media_id", "task_id", "type", "status"):
        value = everything[7][name]
        expected = [event["id"] for event in everything if event[name] == value]
        assert [event["id"] for event in service.api(f"events?{name}={value}").json["events"]] == expected

    media_id = next(event["media_id"] for event in everything if event["source"] == "cts-video")
    for query, count in ((f"media_id={media_id}", 8), ("kind=gif", 6), ("kind=video&name=f20", 3), ("kind=none", 0)):
        names, cursor = [], ""
        while cursor is not None:
            page = service.api(f"renditions?{query}&limit=3&cursor={cursor}").json
            names += [rendition["id"] for rendition in page["renditions"]]
            cursor = page["next"]
        assert len(names) == len(set(names)) == count


def test_filters_reach_the_lists(service: Service) -> None:
    for source in DOCUMENTED:
        service.post(source, sample(source))
    settled(service)
    everything = service.api("events").json["events"]
    video = next(event for event in everything if event["source"] == "cts-video")
    for query, count in (
        ("kind=video", 2),
        ("name=f10&type=transcode.completed", 1),
        ("since=2020-01-01T00:00Z&until=2099-01-01T00:00:00%2B08:00", 5),
        ("until=2020-01-01T00:00:00Z", 0),
        (f"q={video['id']}", 1),
        (f"q={video['media_id']}", 1),
        ("q=/test/w.mp4.f10.mp4", 1),
        ("url=.f10.mp4&source=cts-video", 1),
    ):
        assert len(service.api(f"events?{query}").json["events"]) == count, query
    for query, count in (
        ("min_height=720&source=cts-video&kind=video", 2),
        (f"task_id={video['task_id']}&kind=gif&status=succeeded", 2),
        ("type=snapshot.completed&since=2020-01-01T00:00Z", 5),
    ):
        assert len(service.api(f"renditions?{query}").json["renditions"]) == count, query


@pytest.mark.parametrize(
    "query", ["events?since=yesterday", "events?until=9999-12-31T23:59:60Z", "renditions?min_height=x"]
)
def test_a_wrong_filter_is_a_sentence(service: Service, query: str) -> None:
    answer = service.api(query)
    assert answer.status == 400
    assert "must be a" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    "query", ["events?limit=0", "events?limit=x", "events?cursor=x", "renditions?media_id=1&cursor=x"]
)
def test_a_wrong_limit_or_cursor_is_a_sentence(service: Service, query: str) -> None:
    answer = service.api(query)
    assert answer.status == 400
    assert answer.json["error"]["message"]


@pytest.mark.parametrize("path", ["events", "events/x", "renditions", "dead-letters"])
def test_the_api_needs_its_token(service: Service, path: str) -> None:
    assert service.get(f"/api/{path}").status == 401
    answer = service.request("GET", f"/api/{path}", headers={"Authorization": "Bearer wrong"})
    assert answer.status == 401


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=st.lists(st.tuples(st.sampled_from(list(DOCUMENTED)), st.binary(max_size=300)), min_size=1, max_size=8))
def test_no_byte_string_is_ever_lost_or_breaks_its_neighbours(
    service: Service, bodies: list[tuple[str, bytes]]
) -> None:
    service.store.flushdb()
    good = sample("cts-snapshot")
    for source, body in bodies:
        assert service.post(source, body).status == 200
    service.post("cts-snapshot", good)
    settled(service)
    kept = {(letter["source"], letter["raw_base64"]) for letter in service.api("dead-letters").json["dead_letters"]}
    assert len(kept) == len(set(bodies)), "random bytes are no callbacks, so every one must be a dead letter"
    assert len(service.api("events").json["events"]) == 1
