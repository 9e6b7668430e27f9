"""Settings: read once, from the environment, through a schema.

A value that cannot be right stops the start with one sentence that names the variable. An empty value
counts as not set.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from environs import Env, EnvValidationError, ValidationError, validate

from schemas.sentinel import SCHEME, read_sentinel_address

MIB = 1024 * 1024


class SettingsError(Exception):
    """The environment cannot be used as it is; the message is one sentence a variable, for whoever set it."""


@dataclass(frozen=True, slots=True)
class PullCredential:
    """One `secretId:secretKey[:subAppId]` of PULL_CREDENTIALS: who may pull, and from which queue."""

    secret_id: str
    secret_key: str = field(repr=False)
    sub_app_id: int = 0

    @property
    def queue(self) -> str:
        """The name of the pull queue that is this credential's own: its SubAppId, `0` for none."""
        return str(self.sub_app_id)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the environment decides. Secrets are kept out of `repr`."""

    redis_url: str = field(repr=False)
    broker_url: str = field(repr=False)
    port: int
    web_concurrency: int
    web_server: str
    callback_tokens: tuple[str, ...] = field(repr=False)
    zego_callback_secret: str | None = field(repr=False)
    pull_credentials: tuple[PullCredential, ...]
    api_token: str = field(repr=False)
    #: bytes
    max_body_bytes: int
    retention_days: float
    dedup_days: float
    dead_letter_days: float
    delivery_hours: float
    spool_dir: Path | None
    #: bytes
    spool_max_bytes: int
    data_dir: Path
    log_level: str
    #: None: text on a terminal, JSON elsewhere
    log_format: str | None

    @property
    def pull_queues(self) -> tuple[str, ...]:
        """The name of every pull queue, each once: an event is copied to all of them."""
        return tuple(dict.fromkeys(credential.queue for credential in self.pull_credentials))

    @property
    def seal_key(self) -> bytes:
        """What pull handles are sealed with: the same in every process, known to nobody who does not know
        the secret keys.
        """
        secrets = "\0".join(credential.secret_key for credential in self.pull_credentials)
        return hashlib.blake2b(secrets.encode("utf-8", "replace"), digest_size=32, person=b"pull handles").digest()


class _Environment(Env):
    """environs over any mapping, with the rule that an empty value counts as not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        # Env answers unknown attributes with its parsers, so this one is set where it cannot be mistaken
        # for one.
        self.__dict__["_environment"] = environment

    def _get_value(self, env_key: str, default: object) -> object:
        value = self.__dict__["_environment"].get(env_key, "")
        return value if value.strip() else default


def _one_of(*choices: str) -> validate.OneOf:
    return validate.OneOf(choices, error=f"must be one of {', '.join(choices)}, not {{input!r}}")


def _whole_number(least: int, most: int) -> validate.Range:
    return validate.Range(least, most, error=f"must be a whole number from {least} to {most}, not {{input}}")


def _days(value: float) -> None:
    if not 0 < value <= 3650:
        raise ValidationError(f"must be more than 0 and at most 3650 days, not {value:g}")


def _hours(value: float) -> None:
    if not 0 < value <= 720:
        raise ValidationError(f"must be more than 0 and at most 720 hours, not {value:g}")


def _store_url(value: str) -> None:
    if not value.startswith(("redis://", "rediss://", "unix://", SCHEME)):
        raise ValidationError("must be a URL that begins with redis:// or rediss:// or unix:// or sentinel://")
    _sentinel_url(value)


def _any_url(value: str) -> None:
    if "://" not in value:
        raise ValidationError("must be a Celery broker URL, as in redis://host:6379/0 or amqp://user:secret@host//")
    _sentinel_url(value)


def _sentinel_url(value: str) -> None:
    try:
        read_sentinel_address(value)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _pull_credentials(value: str) -> tuple[PullCredential, ...]:
    """Raises ValidationError; the message never repeats the value, which holds secrets."""
    credentials: list[PullCredential] = []
    for position, text in enumerate(_split(value), 1):
        secret_id, _, rest = text.partition(":")
        secret_key, _, sub_app_id = rest.partition(":")
        if not (secret_id and secret_key):
            raise ValidationError(f"entry {position} must be secretId:secretKey or secretId:secretKey:subAppId")
        if sub_app_id and not re.fullmatch("[0-9]{1,18}", sub_app_id):
            raise ValidationError(f"entry {position}: subAppId must be a whole number")
        credentials.append(PullCredential(secret_id, secret_key, int(sub_app_id or 0)))
    if len({c.secret_id for c in credentials}) < len(credentials):
        raise ValidationError("names one secretId twice")
    if not credentials:
        raise ValidationError("must hold at least one secretId:secretKey")
    return tuple(credentials)


def _callback_tokens(value: str | None) -> tuple[str, ...]:
    """Raises ValidationError where separators alone are given: whoever set it meant the callbacks to be
    closed.
    """
    if value is None:
        return ()
    tokens = tuple(_split(value))
    if not tokens:
        raise ValidationError("must hold at least one token, or not be set")
    return tokens


def _split(value: str) -> Iterator[str]:
    return (part for part in (part.strip() for part in value.split(",")) if part)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings that `environment` (usually `os.environ`) asks for.

    Raises SettingsError with a sentence for each variable that is missing or wrong.
    """
    env = _Environment(environment)
    env.add_parser("pull_credentials", _pull_credentials)
    env.add_parser("callback_tokens", _callback_tokens)
    redis_url = env.str("REDIS_URL", validate=_store_url)
    settings = Settings(
        redis_url=redis_url,
        broker_url=env.str("BROKER_URL", redis_url, validate=_any_url),
        port=env.int("PORT", 8080, validate=_whole_number(1, 65535)),
        web_concurrency=env.int("WEB_CONCURRENCY", 2, validate=_whole_number(1, 1024)),
        web_server=env.str("WEB_SERVER", "gunicorn", validate=_one_of("gunicorn", "granian")),
        callback_tokens=env.callback_tokens("CALLBACK_TOKENS", None),
        zego_callback_secret=env.str("ZEGO_CALLBACK_SECRET", None),
        pull_credentials=env.pull_credentials("PULL_CREDENTIALS"),
        api_token=env.str("API_TOKEN"),
        max_body_bytes=env.int("MAX_BODY_BYTES", MIB, validate=_whole_number(1, 64 * MIB)),
        retention_days=env.float("RETENTION_DAYS", 4.0, validate=_days),
        dedup_days=env.float("DEDUP_DAYS", 4.0, validate=_days),
        dead_letter_days=env.float("DEAD_LETTER_DAYS", 30.0, validate=_days),
        delivery_hours=env.float("DELIVERY_HOURS", 24.0, validate=_hours),
        spool_dir=env.path("SPOOL_DIR", None),
        spool_max_bytes=env.int("SPOOL_MAX_BYTES", 1024 * MIB, validate=_whole_number(1, 1 << 50)),
        data_dir=env.path("DATA_DIR", Path("var")),
        log_level=env.str(
            "LOG_LEVEL",
            "INFO",
            validate=_one_of("DEBUG", "INFO", "WARNING", "ERROR", "debug", "info", "warning", "error"),
        ),
        log_format=env.str("LOG_FORMAT", None, validate=_one_of("text", "json")),
    )
    try:
        env.seal()
    except EnvValidationError as error:
        raise SettingsError(_sentences(cast("Mapping[str, list[str]]", error.error_messages))) from None
    return settings


def _sentences(problems: Mapping[str, list[str]]) -> str:
    lines = []
    for variable, messages in sorted(problems.items()):
        if messages == ["Environment variable not set."]:
            lines.append(f"{variable} is not set, and there is no safe default for it.")
        else:
            lines.append(f"{variable} {_lower_first(messages[0]).rstrip('.')}.")
    return "\n".join(lines)


def _lower_first(message: str) -> str:
    if message == "Not a valid integer.":
        return "must be a whole number"
    if message == "Not a valid number." or message.startswith("Special numeric values"):
        return "must be a number"
    return message[:1].lower() + message[1:]
