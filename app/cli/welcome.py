"""What `run` says once it accepts callbacks: every address and secret that a newcomer needs."""

import os
import shlex
import sys
import threading
import time
from pathlib import Path

from app.cli.client import Client, NotReachableError
from app.cli.output import Output
from schemas.settings import PullCredential, Settings

#: Seconds between two looks at /healthz.
LOOK_EVERY = 0.1


def announce(output: Output, settings: Settings) -> None:
    """Print the welcome once `GET /healthz` answers; returns at once."""

    def wait() -> None:
        client = Client(f"http://127.0.0.1:{settings.port}", timeout=2.0)
        while True:
            try:
                if client.request("GET", "/healthz").ok:
                    break
            except NotReachableError:
                pass
            client.close()
            time.sleep(LOOK_EVERY)
        client.close()
        output.plain(welcome(settings, source_names()))

    threading.Thread(target=wait, name="welcome", daemon=True).start()


def source_names() -> list[str]:
    """The names of all sources, as they stand in the callback URLs."""
    from schemas.sources import SOURCES  # not at the top: it brings marshmallow

    return list(SOURCES)


def welcome(settings: Settings, sources: list[str]) -> str:
    """The text, for `settings`, with a callback URL for each of `sources`."""
    base = f"http://127.0.0.1:{settings.port}"
    token = f"/{settings.callback_tokens[0]}" if settings.callback_tokens else ""
    width = max(len(source) for source in sources)
    command = _command()
    return "\n".join(
        (
            "",
            f"transcode-inbox is ready at {base}",
            "",
            "Callback URLs, for the vendors' consoles",
            *(f"  {source:<{width}}  {base}/callbacks/{source}{token}" for source in sources),
            "",
            f"Pull, API 3.0      {base}/",
            f"Pull, legacy API   {base}/v2/index.php",
            *(_credential_line(credential) for credential in settings.pull_credentials),
            "",
            *_broker_lines(settings),
            f"Console            {base}/console",
            f"API token          {settings.api_token}",
            "",
            "Try, in another terminal:",
            f"  {_variables(settings, 'PORT', 'CALLBACK_TOKENS')}{command} send cts-video",
            f"  {_variables(settings, 'PORT', 'DATA_DIR', 'PULL_CREDENTIALS')}{command} pull",
            "",
        )
    )


def _credential_line(credential: PullCredential) -> str:
    sub_app = f"  SubAppId {credential.sub_app_id}" if credential.sub_app_id else ""
    return f"  secretId {credential.secret_id}  secretKey {credential.secret_key}{sub_app}"


def _broker_lines(settings: Settings) -> list[str]:
    """Where renditions go out, if that is the embedded server: whoever set another one knows where it is."""
    if os.environ.get("REDIS_URL") or os.environ.get("BROKER_URL"):
        return []
    return [f"Broker             {settings.broker_url}", "  renditions go out here, on the exchange `renditions`", ""]


def _variables(settings: Settings, *names: str) -> str:
    """Those of the variables that another terminal in the same directory, with nothing set, needs in front of a command."""
    tokens, credentials = os.environ.get("CALLBACK_TOKENS") or "", os.environ.get("PULL_CREDENTIALS") or ""
    values = {
        "PORT": (str(settings.port), "8080"),
        "DATA_DIR": (str(settings.data_dir), "var"),
        "CALLBACK_TOKENS": (tokens, ""),
        "PULL_CREDENTIALS": (credentials, ""),
    }
    needed = {name: value for name, (value, default) in values.items() if name in names and value != default}
    return "".join(f"{name}={shlex.quote(value)} " for name, value in needed.items())


def _command() -> str:
    """How another terminal in the same directory, without an active virtual environment, calls this very program."""
    program = Path(sys.executable).with_name("transcode-inbox")
    if not program.exists():
        return f"{shlex.quote(sys.executable)} -m app.cli"
    return shlex.quote(str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else str(program))
