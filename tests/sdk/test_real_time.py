"""Thirty seconds and five, by a real clock: real_time.py began with the first test that has to do with pulling."""

from tests.sdk.real_time import RealTime


def test_an_unconfirmed_event_comes_back_after_thirty_real_seconds_and_not_before(real_time: RealTime) -> None:
    first, *_, last = real_time.wait()
    assert len(first.events) == len(last.events) == 1
    assert 29.5 <= last.ended - first.began <= 32
    assert last.events[0]["eventContent"] == first.events[0]["eventContent"]
    assert last.events[0]["msgHandle"] != first.events[0]["msgHandle"]


def test_every_pull_in_between_waits_five_real_seconds_for_nothing(real_time: RealTime) -> None:
    _, *between, last = real_time.wait()
    assert len(between) >= 5
    for call in between:
        assert call.code == 4000
        assert 4.4 <= call.ended - call.began <= 6.5
    assert last.ended - last.began < 5.5
