"""Which renditions a subscription is sent: too many and a team drowns, too few and it waits for ever."""

from typing import Any

import pytest

from schemas.event import TranscodeEvent
from schemas.matching import WHOLE_EVENT, deliveries, matching, wanted
from schemas.reading import read_callback
from schemas.samples import packaged, sample
from schemas.sources import SOURCES
from schemas.subscription import Filter, Subscription, SubscriptionSchema


def event(source: str = "cts-video") -> TranscodeEvent:
    return read_callback(source, sample(source, fresh=False), received_at="2026-01-01T00:00:00.000Z")


def subscription(each: str = "rendition", **asked: Any) -> Subscription:
    loaded = SubscriptionSchema().load({"url": "http://host/", "each": each, "filter": asked})
    return {**loaded, "id": "sub_1", "created_at": "2026-01-01T00:00:00.000Z", "disabled": None}  # type: ignore[return-value]


def names(**asked: Any) -> list[str]:
    given = event()
    found = matching(subscription(**asked)["filter"], given)
    return [f"{given['renditions'][number]['kind']}/{given['renditions'][number]['name']}" for number in found]


def test_at_least_720_lines_of_the_documented_cts_video_body_are_exactly_two_renditions():
    assert names(source="cts-video", min_height=720) == ["video/f30", "video/f40"]


def test_a_filter_that_asks_for_nothing_takes_everything():
    assert len(names()) == 8


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"kind": "gif"}, ["gif/0_0", "gif/400_200"]),
        ({"kind": "gif", "min_height": 720}, ["gif/0_0"]),
        ({"kind": "video", "min_height": 481}, ["video/f30", "video/f40"]),
        ({"min_height": 721}, ["video/f40"]),
        ({"name": "f[34]0"}, ["video/f30", "video/f40"]),
        ({"name": "f?0", "min_height": 1080}, ["video/f40"]),
        ({"name": "F30"}, []),
        ({"name": "f3"}, []),
        ({"kind": "audio"}, []),
        ({"source": "zego"}, []),
        ({"type": "transcode.failed"}, []),
        ({"type": "transcode.completed", "kind": "cover"}, ["cover/0_0", "cover/400_200"]),
        ({"status": "failed"}, []),
        ({"media_id": "963f1d", "name": "f10"}, ["video/f10"]),
        ({"media_id": "63f1d"}, []),
    ],
)
def test_every_part_of_a_filter_counts(asked: dict[str, Any], found: list[str]):
    assert sorted(names(**asked)) == sorted(found)


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_s_sample_is_what_a_filter_for_that_source_takes_whole(source: str):
    given = event(source)
    assert wanted(subscription(source=source), given) == list(range(len(given["renditions"])))
    assert wanted(subscription(each="event", source=source), given) == [WHOLE_EVENT]


def test_an_event_is_sent_once_if_any_of_its_renditions_is_asked_for():
    assert wanted(subscription("event", min_height=720), event()) == [WHOLE_EVENT]
    assert wanted(subscription("event", min_height=4000), event()) == []
    assert wanted(subscription("event", source="zego"), event()) == []


def test_an_event_without_renditions_is_sent_unless_its_renditions_are_asked_about():
    started = read_callback("cts-video", packaged("cts-video-basic"), received_at="2026-01-01T00:00:00.000Z")
    assert started["renditions"] == []
    assert wanted(subscription("event"), started) == [WHOLE_EVENT]
    assert wanted(subscription("event", kind="video"), started) == []
    assert wanted(subscription("rendition"), started) == []


def test_unknown_heights_and_media_match_only_who_does_not_ask():
    given = event()
    given["media_id"] = None
    for rendition in given["renditions"]:
        rendition["height"] = None
    asked: Filter = subscription(min_height=1)["filter"]
    assert matching(asked, given) == []
    assert matching(subscription(media_id="9")["filter"], given) == []
    assert len(matching(subscription()["filter"], given)) == 8


def test_every_subscription_gets_its_own():
    first, second = subscription(min_height=720), subscription("event", kind="gif")
    second["id"] = "sub_2"
    found = deliveries([first, second], event())
    assert [who for who, _ in found] == ["sub_1", "sub_1", "sub_2"]
    assert found[-1] == ("sub_2", WHOLE_EVENT)
