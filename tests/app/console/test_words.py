"""The catalogue: nothing the console says is missing in a language."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.console.language import Speaker
from app.console.words import WORDS
from tests.running import ROOT

CONSOLE = ROOT / "app" / "console"
#: What is the same in both languages.
SAME = {"language.en", "language.zh"}


def used() -> Iterator[tuple[Path, str]]:
    """The texts of the templates and modules that look like keys of the catalogue."""
    first = {key.partition(".")[0] for key in WORDS}
    for path in CONSOLE.rglob("*.html"):
        for literal in re.findall(r'say\("([^"]+)"', path.read_text()):
            yield path, literal
    for path in CONSOLE.glob("*.py"):
        literals = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
        for literal in literals if path.name != "words.py" else ():
            if re.fullmatch(r"[a-z_]+\.[a-z_]+", str(literal)) and str(literal).partition(".")[0] in first:
                yield path, str(literal)


def test_every_word_that_is_said_is_in_the_catalogue() -> None:
    for path, key in used():
        if key.startswith(("transcode.", "snapshot.", "console.")) or key.endswith("."):
            continue
        assert key in WORDS, f"{path.name} says {key}"


def test_every_word_of_the_catalogue_is_said_somewhere() -> None:
    said = {key for _, key in used()}
    # Some are said by the value they are for: "status." and the status.
    beginnings = tuple(key for key in said if key.endswith("."))
    by_value = (
        "step.",
        "status.",
        "reason.",
        "part.",
        "look.",
        "level.",
        "theme.",
        "language.",
        "done.",
        "each.",
        "filter.",
        "sort.",
    )
    assert [key for key in WORDS if key not in said and not key.startswith((*beginnings, *by_value))] == []


@pytest.mark.parametrize("key", WORDS)
def test_every_word_is_there_in_both_languages(key: str) -> None:
    words = WORDS[key]
    assert words.en.strip()
    assert words.zh.strip()
    assert _names(words.en) == _names(words.zh)
    if key not in SAME:
        assert words.en != words.zh
        assert re.search(r"[\u4e00-\u9fff]", words.zh) or not re.search("[a-zA-Z]{3}", re.sub(r"\{.*?\}", "", words.zh))


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_numbers_are_said_so_that_one_can_read_them() -> None:
    en, zh = Speaker("en"), Speaker("zh")
    assert [en.duration(seconds) for seconds in (None, 0, 0.42, 9.94, 12, 200, 3600, 7500, 360000)] == [
        "–",
        "0 ms",
        "420 ms",
        "9.9 s",
        "12 s",
        "3 min 20 s",
        "1 h",
        "2 h 5 min",
        "4 d 4 h",
    ]
    assert zh.duration(7500) == "2 小时 5 分"
    assert [en.size(size) for size in (None, 0, 1023, 1536, 5 << 20, 300 << 30)] == [
        "–",
        "0 B",
        "1,023 B",
        "1.5 KiB",
        "5 MiB",
        "300 GiB",
    ]
    assert en.bitrate(2_400_000) == "2.4 Mbit/s"
    assert [en.rate(rate) for rate in (None, 0, 0.05, 0.26, 12.34, 4321.9)] == [
        "–",
        "0",
        "0.05",
        "0.3",
        "12.3",
        "4,322",
    ]


def test_a_time_that_we_did_not_write_stays_as_it_came() -> None:
    assert str(Speaker("en").when("<b>")) == "&lt;b&gt;"
    assert 'datetime="2016-12-23T13:11:42.000Z"' in Speaker("en").when("2016-12-23T21:11:42+08:00")
