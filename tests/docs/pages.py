"""The pages, cut into their fenced blocks, each with what the comments before it say about running it.

A block in `sh`, `console` or `python` is run (`test_pages.py`). HTML comments right before a block say what else is to be known:

- `<!-- not run: why -->`: it cannot run in a test, for this reason
- `<!-- test: tests/docs/test_programs.py::test_name -->`: that test runs it
- `<!-- file: consumer.py -->`: it is the content of this file, which later blocks of the page use
- `<!-- first: command -->`: run this before, unseen: what the reader has done elsewhere
- `<!-- fresh: why -->`: the service is emptied before it
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from tests.running import ROOT

README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
#: The languages whose blocks are run.
RUN = ("sh", "console", "python")
#: Other names of theirs, under which a block would silently not be run.
MISNAMED = ("bash", "shell", "zsh", "shell-session", "py", "python3", "pycon", "session")
MARKERS = ("not run", "test", "file", "first", "fresh")

_FENCE = re.compile(r"^( *)```+ *([\w-]*)[^\n]*\n(.*?)^\1```+ *$", re.MULTILINE | re.DOTALL)
_COMMENTS = re.compile(r"(?:<!--(?:(?!-->).)*-->\s*)+\Z", re.DOTALL)
_COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    page: Path
    line: int
    language: str
    text: str
    markers: tuple[tuple[str, str], ...]

    def marked(self, name: str) -> list[str]:
        """What the comments before the block say under `name`."""
        return [said for marker, said in self.markers if marker == name]

    @property
    def is_run_with_its_page(self) -> bool:
        """Whether it is, by its language and its markers, for the page's own test to run."""
        return self.language in RUN and not any(self.marked(name) for name in ("not run", "test", "file"))

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return read_blocks(page, page.read_text(encoding="utf-8"))


def read_blocks(page: Path, text: str) -> list[Block]:
    """The fenced blocks in `text`, which stands in `page`."""
    found = []
    for match in _FENCE.finditer(text):
        before = _COMMENTS.search(text[: match.start()])
        found.append(
            Block(
                page,
                text.count("\n", 0, match.start()) + 1,
                match[2],
                textwrap.dedent(match[3]),
                tuple(_marker(comment) for comment in _COMMENT.findall(before[0])) if before else (),
            )
        )
    return found


def _marker(comment: str) -> tuple[str, str]:
    name, _, said = comment.partition(":")
    return name.strip(), said.strip()


def the_block(page: Path, language: str, within: str) -> str:
    """The text of the one block of a page in `language` that has `within` in it."""
    (found,) = [block.text for block in blocks_of(page) if block.language == language and within in block.text]
    return found
