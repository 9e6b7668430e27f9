"""Lists show what was asked for, all of it, in order, however they are paged; and cost what they show, not what there is."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import redis

from schemas.encoding import encode
from schemas.reading import read_callback
from schemas.sources import SOURCES
from workers.queues import listing, shapes
from workers.queues.events import Events, Recordable
from workers.queues.listing import BadCursor, Listing
from workers.queues.retention import Retention
from workers.queues.shapes import shape_of

DAY_MS = 24 * 3600 * 1000


def video(number: int, *, status: str = "success", names: Mapping[str, int] | None = None) -> tuple[str, bytes]:
    names = {"f10": 270, "f20": 480} if names is None else names
    info = [
        {"name": name, "height": height, "width": 2 * height, "path": f"/v/{number}.{name}.mp4"}
        for name, height in names.items()
    ]
    detail = {"result": {"video": {"info": info}}} if status == "success" else {}
    body = {"callback_type": "trans_result", "vid": f"v{number}", "status": status, "detail": detail}
    return "cts-video", json.dumps(body | {"url": f"http://host/v/{number}"}).encode()


def play(number: int, *definitions: int, file: str = "") -> tuple[str, bytes]:
    play_set = [{"url": f"http://host/p/{number}.{d}.mp4", "definition": d, "vheight": 10 * d} for d in definitions]
    data = {"status": 0, "vodTaskId": f"t{number}", "fileId": file or f"f{number}", "playSet": play_set}
    return "tencent-vod", json.dumps({"version": "4.0", "eventType": "TranscodeComplete", "data": data}).encode()


def other(number: int, event_type: str) -> tuple[str, bytes]:
    data = {"status": 0, "fileId": f"f{number}"}
    return "tencent-vod", json.dumps({"version": "4.0", "eventType": event_type, "data": data}).encode()


def stream(number: int, output: str) -> tuple[str, bytes]:
    details = {"Input": {"StreamId": f"s{number}"}, "Outputs": [{"StreamId": output, "Width": 640, "Height": 360}]}
    start = {"Event": "transcode_start", "Status": "TranscodeStarted", "Appid": "1", "TaskId": f"z{number}"}
    return "zego", json.dumps({**start, "Details": details}).encode()


class Recorded:
    """A store's events, with a count of how many came."""

    def __init__(self, store: redis.Redis) -> None:
        self.store = store
        self._events = Events(store, pull_queues=["0"], dedup_days=4, retention_days=4)
        self._count = 0

    def add(self, *callbacks: tuple[str, bytes]) -> list[str]:
        recordables = []
        for source, body in callbacks:
            self._count += 1
            event = read_callback(
                source, body, received_at="2026-01-01T00:00:00Z", zego_secret=None, check_signature=False
            )
            accumulates = SOURCES[source].renditions_accumulate
            recordables.append(Recordable(event, body, f"{self._count}-0/0", b"{}", b"{}", accumulates))
        for start in range(0, len(recordables), 200):
            assert all(isinstance(one, list) for one in self._events.record(recordables[start : start + 200]))
        return [recordable.event["id"] for recordable in recordables]


@pytest.fixture
def recorded(store: redis.Redis) -> Recorded:
    return Recorded(store)


def all_of(listed: Callable[..., listing.Page], limit: int = 3, **filters: Any) -> list[Any]:
    """Every page of a list, one behind the other."""
    items: list[Any] = []
    cursor = None
    while True:
        page = listed(limit=limit, cursor=cursor, **filters)
        assert len(page.items) <= limit
        items += page.items
        cursor = page.next
        if cursor is None:
            return items


def a_mixture() -> list[tuple[str, bytes]]:
    """Sixty callbacks of all sorts, in no order."""
    mixture = [video(n) for n in range(10)]
    mixture += [video(n, names={"f10": 270, "f40": 1080, "g": 90}) for n in range(10, 15)]
    mixture += [video(n, status="fail") for n in range(20, 25)]
    mixture += [play(n, 10, 20) for n in range(30, 38)] + [play(n, 10, 20, 30) for n in range(30, 34)]
    mixture += [play(n, 10, file="shared") for n in range(40, 44)]
    mixture += [other(n, "ProcedureStateChanged") for n in range(50, 53)]
    mixture += [other(n, f"Strange{n}") for n in range(55, 63)]
    mixture += [stream(n, f"out{n % 3}") for n in range(70, 80)]
    random.Random(7).shuffle(mixture)
    return mixture


QUESTIONS: list[dict[str, Any]] = [
    {},
    {"source": "cts-video"},
    {"source": "nobody"},
    {"type": "transcode.completed"},
    {"type": "vod.Strange57"},
    {"type": "vod.ProcedureStateChanged"},
    {"status": "failed"},
    {"status": "succeeded", "source": "tencent-vod"},
    {"media_id": "shared"},
    {"media_id": "shared", "task_id": "t41"},
    {"task_id": "t31"},
    {"task_id": "v3", "status": "failed"},
    {"kind": "video"},
    {"kind": "stream"},
    {"name": "f40"},
    {"name": "10", "source": "tencent-vod"},
    {"name": "out1"},
    {"name": "out1", "kind": "video"},
    {"kind": "video", "name": "f10", "status": "succeeded", "type": "transcode.completed"},
]


@pytest.mark.parametrize("most_shapes", [shapes.MOST, 1])
@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_filters_give_just_what_they_say_in_order_page_by_page(
    recorded: Recorded, question: dict[str, Any], most_shapes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where there was no room for more shapes, so that names refer to their events by themselves."""
    monkeypatch.setattr("workers.queues.events.MOST", most_shapes)
    recorded.add(*a_mixture())
    lists = Listing(recorded.store)
    everything = lists.events(limit=500).items
    assert len(everything) == len(a_mixture())

    def fits(event: dict[str, Any]) -> bool:
        about = {name: value for name, value in question.items() if name not in ("kind", "name")}
        of_rendition = {name: value for name, value in question.items() if name in ("kind", "name")}
        return event.items() >= about.items() and (
            not of_rendition or any(rendition.items() >= of_rendition.items() for rendition in event["renditions"])
        )

    assert all_of(lists.events, **question) == [event for event in everything if fits(event)]

    of_rendition = {**question}
    of_event = {name: of_rendition.pop(name) for name in ("type", "status") if name in of_rendition}
    ids = [event["id"] for event in everything if event.items() >= of_event.items()]
    expected = [
        rendition
        for rendition in lists.renditions(limit=500).items
        if rendition["event_id"] in ids and rendition.items() >= of_rendition.items()
    ]
    assert all_of(lists.renditions, **question) == expected


def test_renditions_that_accumulate_are_listed_once_each(recorded: Recorded) -> None:
    recorded.add(play(1, 10), play(1, 10, 20), play(1, 10, 20, 30))
    for filters in ({}, {"task_id": "t1"}, {"name": "10"}, {"kind": "video", "status": "succeeded"}):
        names = [rendition["name"] for rendition in all_of(Listing(recorded.store).renditions, limit=1, **filters)]
        assert names == ([filters["name"]] if "name" in filters else ["30", "20", "10"])


def test_a_minimum_height_leaves_out_what_is_lower_or_unknown(recorded: Recorded) -> None:
    recorded.add(video(1, names={"a": 719, "b": 720, "c": 1080, "d": 0}), play(2, 72))
    found = all_of(Listing(recorded.store).renditions, min_height=720)
    assert [rendition["height"] for rendition in found] == [720, 1080, 720]
    assert [one["name"] for one in all_of(Listing(recorded.store).renditions, min_height=720, name="c")] == ["c"]


def test_since_and_until_include_their_moment(recorded: Recorded) -> None:
    recorded.add(*(video(n) for n in range(5)))
    lists = Listing(recorded.store)
    moments = [int(entry.split(b"-")[0]) for entry, _ in recorded.store.xrevrange("ti:events")]

    for source in (None, "cts-video"):
        assert len(all_of(lists.events, since=moments[-1], until=moments[0], source=source)) == 5
        assert all_of(lists.events, since=moments[0] + 1, source=source) == []
        assert all_of(lists.events, until=moments[-1] - 1, source=source) == []
        since = [event for event in moments if event >= moments[2]]
        assert len(all_of(lists.events, since=moments[2], source=source)) == len(since)
    assert len(all_of(lists.renditions, since=moments[2], name="f10")) == len(since)


def test_an_address_or_a_part_of_one_is_found(recorded: Recorded) -> None:
    recorded.add(*(video(n) for n in range(30)), play(7, 10), stream(1, "x"))
    lists = Listing(recorded.store)
    assert [event["media_id"] for event in all_of(lists.events, url="/v/7.")] == ["v7"]
    assert [event["media_id"] for event in all_of(lists.events, url="http://host/p/7.10")] == ["f7"]
    assert len(all_of(lists.events, url="http://host/v/1", status="succeeded")) == 11
    assert all_of(lists.events, url='a "quote"') == []


@pytest.mark.parametrize("q", ["v7", "t7", "f7", "/v/7.f10.mp4", "http://host/p/7.10.mp4"])
def test_whatever_somebody_has_in_hand_finds_its_event(recorded: Recorded, q: str) -> None:
    recorded.add(*(video(n) for n in range(10)), *(play(n, 10) for n in range(10)))
    (found,) = all_of(Listing(recorded.store).events, q=q)
    assert q in str(found)
    assert all_of(Listing(recorded.store).events, q=found["id"], limit=1) == [found]
    assert all_of(Listing(recorded.store).events, q=found["id"], status="failed") == []


def test_a_page_goes_on_where_it_ended_while_events_arrive_and_old_ones_go(recorded: Recorded) -> None:
    known = recorded.add(*(video(n) for n in range(20)))
    lists = Listing(recorded.store)
    for filters in ({}, {"source": "cts-video"}, {"name": "f20"}):
        page = lists.events(limit=5, **filters)
        assert [event["id"] for event in page.items] == known[:-6:-1]
        cursor = page.next
        known += recorded.add(video(100 + len(known)))
        page = lists.events(limit=5, cursor=cursor, **filters)
        assert [event["id"] for event in page.items] == known[-7:-12:-1], "what came since is not in between"
        assert lists.events(limit=1, **filters).items[0]["id"] == known[-1]
    cursor = page.next
    recorded.store.hincrby("ti:time", "now", 5 * DAY_MS)
    recorded.add(video(200))
    Retention(recorded.store, days=4).run()
    assert lists.events(limit=5, cursor=cursor).items == []
    assert len(all_of(lists.events)) == 1


def test_a_cursor_is_good_for_the_same_list_whatever_the_filters(recorded: Recorded) -> None:
    recorded.add(*a_mixture())
    lists = Listing(recorded.store)
    everything = lists.events(limit=500).items
    cursor = lists.events(limit=20).next
    rest = [event for event in everything[20:] if event["source"] == "cts-video"]
    assert (
        all_of(lambda **given: lists.events(**{**given, "cursor": given["cursor"] or cursor}), source="cts-video")
        == rest
    )


@pytest.mark.parametrize("cursor", ["x", "1", "1-", "-1", "1-1.x", "1-1.", "1-²", "9" * 30 + "-1", "1-1.99999999999"])
def test_what_is_no_cursor_is_refused(store: redis.Redis, cursor: str) -> None:
    with pytest.raises(BadCursor):
        Listing(store).events(limit=1, cursor=cursor)
    with pytest.raises(BadCursor):
        Listing(store).renditions(limit=1, cursor=cursor)


def test_the_cost_of_a_list_does_not_grow_with_the_history(recorded: Recorded) -> None:
    """Counted in what the store is asked and gives back, not in time."""
    recorded.add(*(video(n) for n in range(10_000)))
    recorded.add(video(20_000, status="fail"), video(20_001, names={"f99": 1080}), stream(20_002, "mine"))
    recorded.add(*(play(n, 10, 20, file=f"file{n}") for n in range(10_000)))
    lists = Listing(recorded.store)
    for question, count in (
        ({"status": "failed"}, 1),
        ({"name": "f99"}, 1),
        ({"name": "mine"}, 1),
        ({"source": "cts-video", "type": "transcode.failed"}, 1),
        ({"source": "zego"}, 1),
        ({"media_id": "v20000"}, 1),
        ({"q": "v20001"}, 1),
        ({"status": "succeeded", "kind": "video", "name": "f10"}, 10),
        ({}, 10),
    ):
        before = _asked(recorded.store)
        page = lists.events(limit=10, **question)
        after = _asked(recorded.store)
        assert len(page.items) == count, question
        assert after["commands"] - before["commands"] < 60, question
        assert after["bytes"] - before["bytes"] < 20_000, question


def _asked(store: redis.Redis) -> dict[str, int]:
    commands = store.info("commandstats")
    names = ("xrange", "xrevrange", "zrevrangebyscore", "get", "hgetall", "exists", "evalsha")
    calls = sum(commands.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in names)
    return {"commands": calls, "bytes": store.info("stats")["total_net_output_bytes"]}


def test_a_search_looks_at_a_page_worth_of_events_and_goes_on_behind_them(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SCAN_LIMIT", 50)
    recorded.add(video(999), *(video(n) for n in range(200)))
    pages = 0
    cursor, found = None, []
    while pages == 0 or cursor:
        page = Listing(recorded.store).events(limit=5, cursor=cursor, url="/v/999.")
        pages, cursor, found = pages + 1, page.next, found + page.items
    assert pages == 5
    assert [event["media_id"] for event in found] == ["v999"]


def test_big_events_end_a_page_early(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a caller cannot make a process hold five hundred bodies of a mebibyte, however small they are kept."""
    monkeypatch.setattr(listing, "PAGE_BYTES", 100_000)
    big = [json.loads(video(n)[1]) | {"padding": "x" * 60_000} for n in range(6)]
    recorded.add(*(("cts-video", encode(body)) for body in big))
    page = Listing(recorded.store).events(limit=6)
    assert len(page.items) == 1
    assert len(all_of(Listing(recorded.store).events, limit=6)) == 6


def test_what_strangers_name_makes_no_index_of_its_own(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.queues.events.MOST", 20)
    recorded.add(*(video(n, names={f"name{n}": 100}) for n in range(100)))
    recorded.add(*(other(n, f"Type{n}") for n in range(100)))
    recorded.add(*(stream(n, f"id{n}") for n in range(100)))
    assert recorded.store.hlen("ti:shapes") <= 20 + 3
    lists = Listing(recorded.store)
    for n in (0, 19, 20, 99):
        assert len(all_of(lists.events, name=f"name{n}")) == 1
        assert len(all_of(lists.events, type=f"vod.Type{n}")) == 1
        assert len(all_of(lists.renditions, name=f"id{n}")) == 1


def test_shapes_that_nothing_has_any_more_make_room(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.queues.events.MOST", 3)
    recorded.add(*(video(n, names={f"name{n}": 100}) for n in range(5)))
    recorded.store.hincrby("ti:time", "now", 5 * DAY_MS)
    Retention(recorded.store, days=4).run()
    assert recorded.store.hlen("ti:shapes") == recorded.store.hlen("ti:shapes:numbers") == 0
    assert not list(recorded.store.scan_iter("ti:shape:*"))
    recorded.add(video(9, names={"name9": 100}))
    assert len(all_of(Listing(recorded.store).events, name="name9")) == 1


def test_a_shape_tells_apart_what_people_ask_for() -> None:
    def shape(callback: tuple[str, bytes]) -> shapes.Shaped:
        source, body = callback
        return shape_of(read_callback(source, body, received_at="", zego_secret=None, check_signature=False))

    assert shape(video(1)) == shape(video(2))
    different = [shape(video(1)), shape(video(1, status="fail")), shape(video(1, names={"f10": 1})), shape(play(1, 1))]
    assert all(different.count(one) == 1 for one in different)
    assert shape(other(1, "Strange")).coarse == shape(other(1, "Stranger")).coarse
    assert shape(stream(1, "a")).fine == b"", "a stream's name is an id"
    assert shape(video(1, names={f"n{n}": 1 for n in range(65)})).names == []
