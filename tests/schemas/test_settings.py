"""The environment: what it may hold, and what is said of what it may not."""

from pathlib import Path

import pytest

from schemas.settings import SettingsError, read_settings

NEEDED = {
    "REDIS_URL": "redis://:hush-redis@store:6379/0",
    "PULL_CREDENTIALS": "id-1:hush-key-1:7, id-2:hush-key-2",
    "API_TOKEN": "hush-api",
}


def complaint(**environment):
    with pytest.raises(SettingsError) as raised:
        read_settings({**NEEDED, **environment})
    return str(raised.value)


def test_what_is_needed_is_enough():
    settings = read_settings(NEEDED)
    assert settings.broker_url == settings.redis_url == NEEDED["REDIS_URL"]
    assert (settings.port, settings.web_concurrency, settings.web_server) == (8080, 2, "gunicorn")
    assert (settings.max_body_bytes, settings.retention_days, settings.dedup_days) == (1048576, 4, 4)
    assert (settings.data_dir, settings.spool_dir) == (Path("var"), None)
    assert (settings.log_level, settings.log_format) == ("INFO", None)
    assert (settings.callback_tokens, settings.zego_callback_secret) == ((), None)
    assert [credential.queue for credential in settings.pull_credentials] == ["7", "0"]
    assert settings.pull_queues == ("7", "0")


def test_two_credentials_of_one_app_share_a_queue():
    assert read_settings({**NEEDED, "PULL_CREDENTIALS": "a:1:7,b:2:7"}).pull_queues == ("7",)


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_value_counts_as_not_set(empty):
    blank = dict.fromkeys(
        [
            "BROKER_URL",
            "PORT",
            "WEB_CONCURRENCY",
            "WEB_SERVER",
            "CALLBACK_TOKENS",
            "ZEGO_CALLBACK_SECRET",
            "MAX_BODY_BYTES",
            "RETENTION_DAYS",
            "DEDUP_DAYS",
            "SPOOL_DIR",
            "DATA_DIR",
            "LOG_LEVEL",
            "LOG_FORMAT",
        ],
        empty,
    )
    assert read_settings({**NEEDED, **blank}) == read_settings(NEEDED)


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("empty", ["", " "])
def test_what_has_no_safe_default_must_be_set(name, empty):
    assert complaint(**{name: empty}) == f"{name} is not set, and there is no safe default for it."


def test_every_wrong_value_is_said_at_once():
    text = complaint(PORT="x", LOG_FORMAT="xml", API_TOKEN="")
    assert [line.split()[0] for line in text.splitlines()] == ["API_TOKEN", "LOG_FORMAT", "PORT"]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("REDIS_URL", "redis", "must be a URL that begins with redis:// or rediss:// or unix:// or sentinel://."),
        ("REDIS_URL", "http://h", "must be a URL that begins with redis:// or rediss:// or unix:// or sentinel://."),
        (
            "BROKER_URL",
            "h",
            "must be a Celery broker URL, as in redis://host:6379/0 or amqp://user:secret@host//.",
        ),
        ("PORT", "x", "must be a whole number."),
        ("PORT", "80.5", "must be a whole number."),
        ("PORT", "0", "must be a whole number from 1 to 65535, not 0."),
        ("PORT", "65536", "must be a whole number from 1 to 65535, not 65536."),
        ("WEB_CONCURRENCY", "0", "must be a whole number from 1 to 1024, not 0."),
        ("WEB_SERVER", "uwsgi", "must be one of gunicorn, granian, not 'uwsgi'."),
        ("CALLBACK_TOKENS", " , ", "must hold at least one token, or not be set."),
        ("PULL_CREDENTIALS", ",", "must hold at least one secretId:secretKey."),
        ("PULL_CREDENTIALS", "a:b,c", "entry 2 must be secretId:secretKey or secretId:secretKey:subAppId."),
        ("PULL_CREDENTIALS", "a:b:x", "entry 1: subAppId must be a whole number."),
        ("PULL_CREDENTIALS", "a:b:" + "9" * 5000, "entry 1: subAppId must be a whole number."),
        ("PULL_CREDENTIALS", "a:b,a:c", "names one secretId twice."),
        ("MAX_BODY_BYTES", "1MiB", "must be a whole number."),
        ("MAX_BODY_BYTES", "0", "must be a whole number from 1 to 67108864, not 0."),
        ("RETENTION_DAYS", "0", "must be more than 0 and at most 3650 days, not 0."),
        ("RETENTION_DAYS", "nan", "must be a number."),
        ("DEDUP_DAYS", "-1", "must be more than 0 and at most 3650 days, not -1."),
        ("DEDUP_DAYS", "four", "must be a number."),
        ("LOG_FORMAT", "xml", "must be one of text, json, not 'xml'."),
    ],
)
def test_a_wrong_value_is_a_sentence_that_names_the_variable(name, value, sentence):
    assert complaint(**{name: value}) == f"{name} {sentence}"


def test_log_levels_are_listed():
    assert complaint(LOG_LEVEL="loud").startswith("LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR")


def test_tokens_are_split_and_trimmed():
    assert read_settings({**NEEDED, "CALLBACK_TOKENS": " a, ,b "}).callback_tokens == ("a", "b")


def test_secrets_are_never_shown():
    settings = read_settings(
        {
            **NEEDED,
            "CALLBACK_TOKENS": "hush-token",
            "ZEGO_CALLBACK_SECRET": "hush-zego",
            "BROKER_URL": "amqp://hush@h",
        }
    )
    assert "hush" not in repr(settings)
    assert "hush" not in repr(settings.pull_credentials)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "hush"),
        ("BROKER_URL", "hush"),
        ("PULL_CREDENTIALS", "hush"),
        ("PULL_CREDENTIALS", "a:hush:hush"),
        ("PULL_CREDENTIALS", "hush:hush,hush:hush"),
    ],
)
def test_a_complaint_never_repeats_a_secret(name, value):
    assert "hush" not in complaint(**{name: value})
