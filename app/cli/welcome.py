"""What `run` says once it accepts callbacks: every address and secret that a newcomer needs."""

import os
import threading
import time

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
            f"Console            {base}/console",
            f"API token          {settings.api_token}",
            "",
            "Try, in another terminal:",
            f"  {_elsewhere(settings)}transcode-inbox send cts-video",
            f"  {_elsewhere(settings)}transcode-inbox pull",
            "",
        )
    )


def _credential_line(credential: PullCredential) -> str:
    sub_app = f"  SubAppId {credential.sub_app_id}" if credential.sub_app_id else ""
    return f"  secretId {credential.secret_id}  secretKey {credential.secret_key}{sub_app}"


def _elsewhere(settings: Settings) -> str:
    """The variables that another terminal needs to find this one."""
    needed = {"PORT": (str(settings.port), "8080"), "DATA_DIR": (str(settings.data_dir), "var")}
    return "".join(
        f"{name}={here} " for name, (here, default) in needed.items() if here != (os.environ.get(name) or default)
    )
