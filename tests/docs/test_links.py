"""Links from page to page lead somewhere, to the heading."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES
from tests.running import ROOT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href|srcset)="([^"]+)"', text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """What a page's headings are linked by."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_has_every_page() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {
        (index.parent / target).resolve() for target in re.findall(r"\]\(([^)\s#]+)", index.read_text(encoding="utf-8"))
    }
    assert {page for page in PAGES if page not in linked and page != index} == set()
