"""What the clock says when it starts."""

import logging

import pytest

from schemas.settings import read_settings
from workers.clock import say_what_is_open

NEEDED = {"REDIS_URL": "redis://", "API_TOKEN": "t", "PULL_CREDENTIALS": "a:b"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["ZEGO_CALLBACK_SECRET", "CALLBACK_TOKENS"]),
        ({"ZEGO_CALLBACK_SECRET": "s"}, ["CALLBACK_TOKENS"]),
        ({"ZEGO_CALLBACK_SECRET": "s", "CALLBACK_TOKENS": "c"}, []),
    ],
)
def test_what_is_open_to_strangers_is_said_once(
    caplog: pytest.LogCaptureFixture, given: dict[str, str], said: list[str]
) -> None:
    with caplog.at_level(logging.WARNING, "workers.clock"):
        say_what_is_open(read_settings(NEEDED | given))
    assert [message.split()[0] for message in caplog.messages] == said
