"""An upgrade loses nothing: what the version before kept is pulled, confirmed, found, and forgotten like everything else.

`kept_before.json` is a store as that version left it, read out key by key: the five documented bodies for two pull
queues. The snapshot came three times, and both queues have confirmed it; queue 0 has confirmed the audio, and holds
tencent-vod's for the second time.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from schemas.pull.v3 import all_fields
from schemas.reading import read_callback
from schemas.sources import SOURCES
from tests.running import Service, until
from workers.queues.events import Events, Recordable
from workers.queues.listing import Listing
from workers.queues.pull import PullQueues
from workers.queues.retention import Retention
from workers.queues.upgrade import Upgrade

HERE = Path(__file__).parent
SAMPLES = HERE.parent.parent / "schemas" / "samples"
KEPT: dict[str, Any] = json.loads((HERE / "kept_before.json").read_text())
IDS = {fields["id"].partition(":")[0]: fields["id"] for _, fields in KEPT["ti:events"][1]}


def keep_as_before(store: redis.Redis) -> None:
    """Puts it into the store, with its queue time going on from where it was."""
    for key, (of_type, value) in KEPT.items():
        match of_type:
            case "string":
                store.set(key, value)
            case "hash":
                store.hset(key, mapping=value)
            case "list":
                store.rpush(key, *value)
            case "zset":
                store.zadd(key, dict(value))
            case "stream":
                for entry, fields in value:
                    store.xadd(key, fields, entry)


def everything(store: redis.Redis) -> set[str]:
    return {key.decode() for key in store.scan_iter()}


@pytest.fixture
def before(store: redis.Redis) -> redis.Redis:
    keep_as_before(store)
    return store


def queues(store: redis.Redis) -> PullQueues:
    return PullQueues(store, key=b"k", queues=2)


def recording(store: redis.Redis) -> Events:
    return Events(store, pull_queues=["0", "7"], dedup_days=4, retention_days=4)


def again(source: str, origin: str) -> Recordable:
    body = (SAMPLES / f"{source}.json").read_bytes()
    event = read_callback(source, body, received_at="2026-01-02T00:00:00Z", zego_secret=None, check_signature=False)
    return Recordable(event, body, origin, b"{}", b"{}", SOURCES[source].renditions_accumulate)


def test_an_event_that_was_recorded_anew_before_it_was_upgraded_takes_no_other_with_it(before: redis.Redis) -> None:
    waiting = before.llen("ti:pull:7") + before.zcard("ti:pull:7:held")
    for key in before.scan_iter("ti:content:v2:*"):
        if before.get(key) == b"=":
            event = f"ti:event:{key.decode().partition('.')[2]}"
            before.delete(event)
            before.set(event, "1-0/0 2-0 0,7 - by *\n")
            break
    pulled, _ = queues(before).pull("7", "v2")
    assert len(pulled) == waiting - 1


@pytest.mark.parametrize("upgraded", [False, True])
def test_what_waited_is_pulled_whole_by_both_apis(before: redis.Redis, upgraded: bool) -> None:
    if upgraded:
        Upgrade(before).run()
    pulled, _ = queues(before).pull("7", "v2")
    v2 = [json.loads(one.content) for one in pulled]
    assert [one["eventType"] for one in v2] == ["TranscodeComplete"] * 2 + [
        "ProcedureStateChanged",
        "TranscodeComplete",
    ]
    assert v2[0] == json.loads((SAMPLES / "tencent-vod.json").read_bytes())
    before.zadd("ti:pull:7:held", dict.fromkeys(before.zrange("ti:pull:7:held", 0, -1), 1))
    for one in queues(before).pull("7", "v3")[0]:
        said = json.loads(b"{%b}" % all_fields(one.content))
        assert said["TranscodeCompleteEvent"] or said["ProcedureStateChangeEvent"]


@pytest.mark.parametrize("upgraded", [False, True])
def test_a_queue_that_confirms_leaves_the_other_one_its_copy(before: redis.Redis, upgraded: bool) -> None:
    if upgraded:
        Upgrade(before).run()
    of_0, _ = queues(before).pull("0", "v2")
    assert all(queues(before).confirm("0", [one.handle.decode() for one in of_0]))
    queues(before).drop_finished()
    Upgrade(before).run()
    of_7, _ = queues(before).pull("7", "v2")
    assert len(of_7) == 4
    assert all(queues(before).confirm("7", [one.handle.decode() for one in of_7]))
    queues(before).drop_finished()
    # Only what queue 0 still holds is left.
    contents = [key for key in everything(before) if key.startswith("ti:content:v")]
    assert contents
    assert all(IDS["tencent-vod"] in key for key in contents)


@pytest.mark.parametrize("upgraded", [False, True])
def test_a_handle_that_was_out_is_still_good_and_a_bad_one_is_bad(before: redis.Redis, upgraded: bool) -> None:
    if upgraded:
        Upgrade(before).run()
    copy, ends = KEPT["ti:pull:0:held"][1][0]
    good = queues(before)._sealed("0", f"{copy}.{ends:.0f}".encode()).decode()
    late = queues(before)._sealed("0", f"{copy}.{ends - 1:.0f}".encode()).decode()
    audio = KEPT["ti:pull:0:confirmed"][1]
    done = [f"{copy}.{note.split()[0]}" for copy, note in audio.items()]
    known = [queues(before)._sealed("0", one.encode()).decode() for one in done]
    assert queues(before).confirm("0", [good, late, *known]) == [True, False, *(True for _ in known)]


def test_lists_filters_and_stories_have_what_was_there(before: redis.Redis) -> None:
    assert Upgrade(before).run() == 5
    lists = Listing(before)
    assert [event["id"] for event in lists.events(limit=10).items] == list(reversed(list(IDS.values())))
    assert [event["id"] for event in lists.events(limit=10, source="zego", status="running").items] == [IDS["zego"]]
    assert [event["id"] for event in lists.events(limit=10, name="f30").items] == [IDS["cts-video"]]
    assert [event["id"] for event in lists.events(limit=10, media_id="2222").items] == [IDS["zego"]]
    assert len(lists.renditions(limit=100).items) == 8 + 7 + 5 + 6 + 1
    found = recording(before).find(IDS["cts-snapshot"])
    assert found is not None
    assert found["raw"] == json.loads((SAMPLES / "cts-snapshot.json").read_bytes())
    story = [(step["what"], step.get("queue"), step.get("count")) for step in found["history"]]
    assert sorted(map(str, story)) == sorted(
        map(
            str,
            [
                ("received", None, None),
                ("recorded", None, None),
                ("duplicate", None, 2),
                *((what, queue, None) for what in ("pulled", "confirmed") for queue in ("0", "7")),
            ],
        )
    )
    held = recording(before).find(IDS["tencent-vod"])
    assert held is not None
    assert [step["what"] for step in held["history"]][2:] == ["expired", "pulled"]


@pytest.mark.parametrize("upgraded", [False, True])
def test_a_callback_that_comes_again_after_the_upgrade_is_a_duplicate(before: redis.Redis, upgraded: bool) -> None:
    if upgraded:
        Upgrade(before).run()
    assert recording(before).record([again(source, f"{9}-0/{n}") for n, source in enumerate(IDS)]) == [None] * 5
    if upgraded:
        assert {"at", "what", "count"} <= set(recording(before).find(IDS["zego"])["history"][-1])  # type: ignore[index]


def test_what_comes_after_it_stands_in_front_of_what_was_there(before: redis.Redis) -> None:
    Upgrade(before).run()
    body = (SAMPLES / "zego.json").read_bytes().replace(b"2222", b"3333")
    event = read_callback("zego", body, received_at="2026-01-02T00:00:00Z", zego_secret=None, check_signature=False)
    recording(before).record([Recordable(event, body, "9-0/0", b"{}", b"{}", True)])
    listed = Listing(before).events(limit=10, source="zego", type="transcode.started").items
    assert [one["id"] for one in listed] == [event["id"], IDS["zego"]]


@pytest.mark.parametrize("upgraded", [False, True])
def test_it_is_forgotten_by_age_like_everything_else_and_leaves_nothing(before: redis.Redis, upgraded: bool) -> None:
    """Also what a process of that version has recorded when all was upgraded."""
    if upgraded:
        Upgrade(before).run()
    queues(before).drop_finished()
    before.hincrby("ti:time", "now", 5 * 86_400_000)
    assert Retention(before, days=4).run() == 5
    left = {key for key in everything(before) if not key.startswith(("ti:mark:", "ti:task:"))}
    assert left <= {"ti:time", "ti:counters", "ti:shapes:last", "ti:events"} | (
        set() if upgraded else {"ti:renditions"}
    )
    assert before.xlen("ti:events") == 0


def test_recorded_anew_it_takes_the_old_ones_place(before: redis.Redis) -> None:
    Upgrade(before).run()
    before.delete(*(f"ti:mark:{event_id}" for event_id in IDS.values()))
    recording(before).record([again("cts-video", "9-0/0")])
    assert len(Listing(before).events(limit=10, source="cts-video").items) == 1
    assert len(Listing(before).events(limit=10).items) == 5


def test_it_is_done_once_and_again_by_another_changes_nothing(before: redis.Redis) -> None:
    Upgrade(before).run()
    kept = {key: before.dump(key) for key in everything(before)}
    assert Upgrade(before).run() == 0
    assert {key: before.dump(key) for key in everything(before)} == kept


def test_an_event_that_cannot_be_read_leaves_the_others_alone(before: redis.Redis) -> None:
    before.hset(f"ti:event:{IDS['tencent-vod']}", "references", "no JSON")
    before.hset(f"ti:event:{IDS['cts-audio']}", "document", "no JSON")
    assert Upgrade(before).run() == 3
    assert len(Listing(before).events(limit=10).items) == 3


def test_a_service_that_starts_on_it_serves_it(service: Service) -> None:
    service.kill("worker")
    keep_as_before(service.store)
    service.start("worker")
    until(lambda: service.store.type(f"ti:event:{IDS['cts-video']}") == b"string")
    listed = service.api("events?source=cts-video").json
    assert [event["id"] for event in listed["events"]] == [IDS["cts-video"]]
