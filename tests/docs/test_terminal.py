"""The judge of the pages: a page that shows what is not so does not pass."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import README, read_blocks
from tests.docs.terminal import Terminal, Typed, are_same_lines, pattern_of, read_console, read_script


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path, {"PATH": "/usr/bin:/bin"})
    yield terminal
    terminal.close()


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("sent 1, lost 0\n", "sent 2, lost 0\n"),
        ("one\ntwo\n", "one\n"),
        ("one\n", "one\ntwo\n"),
        ('{"code": 0}\n', '{"code": 4100}\n'),
        ("", "anything\n"),
        ("HTTP/1.1 200 OK\n…\n", "HTTP/1.1 503 Service Unavailable\nx\n"),
    ],
)
def test_output_that_differs_is_told(shown: str, printed: str) -> None:
    assert not pattern_of(shown)[0].fullmatch(printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("cts-video:ab11a335a0ed0344e45c6a5b3135e83f  f10\n", "cts-video:0011a335a0ed0344e45c6a5b3135e8ff   f10  \n"),
        ("at 2026-11-20T09:31:30.321Z\n", "at 2027-01-02T03:04:05.678Z\n"),
        ("lag 0.3 s, 28370 bytes\n", "lag 12 s, 1234 bytes\n"),
        ("first\n…\nlast\n", "first\na\nb\nlast\n"),
        ("first\n…\n", "first\n"),
        ('{"a":1,…}\n', '{"a":1,"b":2}\n'),
    ],
)
def test_output_that_differs_only_in_ids_times_and_lengths_is_right(shown: str, printed: str) -> None:
    assert pattern_of(shown)[0].fullmatch(printed)


def test_what_two_workers_record_may_come_in_either_order_but_not_twice() -> None:
    assert are_same_lines("one\ntwo\n", "two\none\n")
    assert not are_same_lines("one\ntwo\n", "two\ntwo\n")
    assert not are_same_lines("one\ntwo\n", "two\none\none\n")


def test_a_command_that_fails_is_told_unless_the_page_shows_how(terminal: Terminal) -> None:
    assert "status 3" in terminal.type(Typed("(exit 3)", ""))
    assert terminal.type(Typed("echo no >&2; (exit 3)", "no\n")) == ""
    assert terminal.type(Typed("echo $?", "3\n")) == ""
    assert "printed" in terminal.type(Typed("echo 1", "2\n"))
    assert terminal.type(Typed("if", "")) != ""


def test_a_shell_remembers_and_an_id_that_is_shown_names_what_is_here(terminal: Terminal) -> None:
    assert terminal.type(Typed("export SAID=hello", "")) == ""
    assert (
        terminal.type(Typed("echo $SAID id=$(printf '%032d' 7)", "hello id=ab11a335a0ed0344e45c6a5b3135e83f\n")) == ""
    )
    assert terminal.type(Typed("echo ab11a335a0ed0344e45c6a5b3135e83f | tr 0 x", f"{'x' * 31}7\n")) == ""


def test_what_goes_on_after_all_that_is_shown_gets_a_ctrl_c(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.docs.terminal.GRACE", 0.5)
    monkeypatch.setattr("tests.docs.terminal.PATIENCE", 3.0)
    assert terminal.type(Typed("echo ready; sleep 60", "ready\n")) == ""
    assert terminal.type(Typed("echo still here", "still here\n")) == ""


def test_commands_go_on_where_the_shell_says_so() -> None:
    assert read_console("$ for x in 1 2; do\n>   echo $x\n> done\n1\n2\n") == [
        Typed("for x in 1 2; do\n  echo $x\ndone", "1\n2\n")
    ]
    script = "one\ntwo \\\n  more\nfor x in 1; do\n  echo\ndone\ncat > file <<END\ntext\nEND\n"
    assert [typed.command.split("\n")[0] for typed in read_script(script)] == [
        "one",
        "two \\",
        "for x in 1; do",
        "cat > file <<END",
    ]
    with pytest.raises(ValueError, match="begins with"):
        read_console("output first\n")


def test_what_is_said_before_a_block_belongs_to_it_alone() -> None:
    text = "words\n\n<!-- first: one -->\n<!-- not run: there is\nno engine -->\n```sh\ndocker\n```\n\n```sh\nls\n```\n"
    docker, ls = read_blocks(README, text)
    assert docker.markers == (("first", "one"), ("not run", "there is\nno engine"))
    assert (ls.markers, ls.text, ls.line) == ((), "ls\n", 10)
    assert (docker.is_run_with_its_page, ls.is_run_with_its_page) == (False, True)
