"""DATA_DIR: one `run` at a time, and the secrets that the first one made."""

import contextlib
import fcntl
import json
import os
import secrets
import string
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

SECRETS_FILE = "secrets.json"
LOCK_FILE = "run.lock"
#: The secrets that `run` makes where none is given. ZEGO's and the callback tokens are known to the vendor as
#: well, so making them up would only refuse what is genuine.
MADE_UP = ("API_TOKEN", "PULL_CREDENTIALS")
#: The embedded server's password, kept beside them.
VALKEY_PASSWORD = "VALKEY_PASSWORD"  # noqa: S105 - its name


def prepare(data_dir: Path) -> None:
    """Make `data_dir`, for this user only, unless it is there. Raises ClickException."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not any(data_dir.iterdir()):
            data_dir.chmod(0o700)
    except OSError as error:
        raise click.ClickException(f"DATA_DIR {data_dir} cannot be used: {error.strerror or error}.") from None


@contextlib.contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Hold DATA_DIR for one `run`, however that ends. Raises ClickException if another holds it."""
    try:
        lock = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise click.ClickException(f"DATA_DIR {data_dir} cannot be used: {error.strerror or error}.") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise click.ClickException(
                f"Another `transcode-inbox run` uses {data_dir}: stop it first, or choose another --data-dir."
            ) from None
        yield
    finally:
        os.close(lock)


def kept_secrets(data_dir: Path) -> dict[str, str]:
    """The secrets in DATA_DIR, if any. Raises ClickException if the file cannot be used."""
    path = data_dir / SECRETS_FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise click.ClickException(f"{path} may not be read by this user.") from None
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise click.ClickException(f"{path} is damaged; move it away, and the next `run` makes new secrets.")
    return found


def make_secrets(data_dir: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The kept secrets, after making and keeping (mode 600) those that are nowhere yet.

    A secret that the environment gives wins, and is not written down.
    """
    kept = kept_secrets(data_dir)
    made = {name: _make(name) for name in MADE_UP if not environment.get(name) and not kept.get(name)}
    if not kept.get(VALKEY_PASSWORD):
        made[VALKEY_PASSWORD] = secrets.token_hex(32)
    path = data_dir / SECRETS_FILE
    if made:
        kept |= made
        write_private(path, json.dumps(kept, indent=2) + "\n")
    path.chmod(0o600)
    return {**kept, **{name: environment[name] for name in MADE_UP if environment.get(name)}}


def secret(name: str, environment: Mapping[str, str]) -> str:
    """The secret `name` from `environment`, else from DATA_DIR. Raises ClickException if neither has it."""
    if given := environment.get(name):
        return given
    data_dir = Path(environment.get("DATA_DIR") or "var")
    if kept := kept_secrets(data_dir).get(name):
        return kept
    raise click.ClickException(
        f"{name} is not set, and {data_dir / SECRETS_FILE} has none: set {name} (or DATA_DIR), "
        "or start `transcode-inbox run` first."
    )


def write_private(path: Path, text: str) -> None:
    """Put `text` into `path`, readable by this user only, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _make(name: str) -> str:
    if name == "PULL_CREDENTIALS":
        return f"AKID{_letters(32)}:{_letters(32)}"  # the vendor's own form
    return secrets.token_hex(20)


def _letters(count: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(count))
