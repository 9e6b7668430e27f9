"""The system's Chromium, driven by Playwright. Never one that a package downloads."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing() -> str:
    """What keeps a browser from being started here, in a sentence; empty if nothing does."""
    if find_spec("playwright") is None:
        return "Playwright is not installed"
    if program() is None:
        return "there is no Chromium on this machine; apt install chromium"
    return ""


def program() -> str | None:
    """Where Chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextlib.contextmanager
def chromium() -> Iterator["Browser"]:
    """A headless Chromium with an empty profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = playwright.chromium.launch(
            executable_path=program(),
            args=ARGUMENTS,
            env={"HOME": home, "LANG": "en_US.UTF-8", "PATH": "/usr/bin:/bin"},
        )
        try:
            yield browser
        finally:
            browser.close()
