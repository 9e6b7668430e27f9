"""When what failed is tried again: early enough to be of use, seldom enough to be bearable."""

from datetime import UTC, datetime, timedelta

import pytest

from workers.retries import pause, retry_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_pauses_double_from_five_seconds_to_half_an_hour_on_the_average_and_never_pass_an_hour():
    assert [pause(attempt, 0.5) for attempt in range(1, 13)] == [
        5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800, 1800,
    ]  # fmt: skip
    assert pause(10_000, 1.0) == 3600


def test_what_failed_together_does_not_come_back_together():
    assert [pause(1, chance) for chance in (0.0, 0.25, 1.0)] == [0, 2.5, 10]


def test_a_day_holds_some_fifty_attempts():
    total, attempts = 0.0, 0
    while total < 24 * 3600:
        attempts += 1
        total += pause(attempts, 0.5)
    assert 40 < attempts < 70


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 1),
        ("120", 120),
        (" 7 ", 7),
        ("99999", 3600),
        ("9" * 5000, 3600),
        ("Fri, 02 Jan 2026 03:05:05 GMT", 60),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 1),
        ("Sat, 03 Jan 2026 03:04:05 GMT", 3600),
        ("Fri, 02 Jan 2026 11:05:05 +0800", 60),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("Fri, 99 Jan 2026 03:05:05 GMT", None),
        ("²", None),
    ],
)
def test_retry_after_is_obeyed_as_a_number_and_as_a_date_within_reason(header, seconds):
    assert retry_after(header, NOW) == seconds


@pytest.mark.parametrize("header", ["0", "000", "Fri, 02 Jan 2026 03:04:05 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_destination_that_asks_for_no_pause_is_not_flooded_with_what_it_has_just_refused(header):
    assert retry_after(header, NOW) >= 1


def test_a_date_between_two_seconds_is_waited_for_to_its_end():
    assert retry_after("Fri, 02 Jan 2026 03:04:06 GMT", NOW + timedelta(milliseconds=500)) == 1
