"""`dead-letters`: what an operator types when something went wrong."""

import json
import signal
import time
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from app.cli import commands
from app.cli.letter_text import body_lines
from schemas.samples import sample
from tests.app.cli.conftest import Typist, until
from tests.running import API_TOKEN, Service


@pytest.fixture
def typed(service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Runs a `dead-letters` command against the running service, in a pipe."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, given: bytes | None = None) -> Result:
        words = ["dead-letters", *arguments, "--url", service.url]
        return CliRunner().invoke(commands, words, env={"API_TOKEN": API_TOKEN}, input=given)

    yield run
    # What is on its way must not come into the next test's empty store.
    until(lambda: service.store.xlen("ti:inbox") == 0)


def broken(service: Service, count: int, source: str = "cts-video") -> list[dict[str, Any]]:
    """So many dead letters, newest first."""
    for number in range(count):
        service.post(source, b"{}" + b" " * number)
    until(lambda: service.store.xlen("ti:inbox") == 0)
    found: list[dict[str, Any]] = service.api(f"dead-letters?limit=500&source={source}").json["dead_letters"]
    assert len(found) == count
    return found


def events(service: Service) -> list[dict[str, Any]]:
    until(lambda: service.store.xlen("ti:inbox") == 0)
    found: list[dict[str, Any]] = service.api("events").json["events"]
    return found


def rows(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_letter_is_mended_and_replayed_and_the_event_is_as_old_as_the_callback(service, typed, tmp_path):
    whole = sample("cts-video")
    service.post("cts-video", whole.replace(b'"status"', b'"Status"'))
    until(lambda: service.store.zcard("ti:dead") == 1)
    (letter,) = rows(typed("list", "--reason", "invalid"))
    assert letter["message"].startswith("status: ")
    time.sleep(0.01)
    (tmp_path / "mended.json").write_text(letter["raw"].replace('"Status"', '"status"'))
    assert rows(typed("replay", letter["id"], "--file", "mended.json")) == [{"id": letter["id"], "replayed": True}]
    (event,) = events(service)
    assert (event["received_at"], event["raw"]) == (letter["received_at"], json.loads(whole))
    assert rows(typed("list")) == []


def test_a_body_mended_badly_is_refused_with_what_is_wrong_and_the_letter_stays(service, typed, tmp_path):
    (letter,) = broken(service, 1)
    (tmp_path / "mended.json").write_text('{"status": 0')
    result = typed("replay", letter["id"], "--file", "mended.json")
    assert result.exit_code == 1
    assert "line 1 column 13" in result.stderr
    assert rows(typed("list"))[0]["id"] == letter["id"]


def test_letters_are_replayed_and_discarded_by_id_filter_or_all(service, typed):
    videos, zegos = broken(service, 5), broken(service, 3, "zego")
    assert rows(typed("replay", videos[0]["id"], zegos[0]["id"], "--force")) == [
        {"id": videos[0]["id"], "replayed": True},
        {"id": zegos[0]["id"], "replayed": True},
    ]
    until(lambda: service.store.zcard("ti:dead") == 8)
    assert rows(typed("replay", "--source", "zego")) == [{"replayed": 3, "refused": []}]
    until(lambda: service.store.zcard("ti:dead") == 8)
    assert rows(typed("discard", "--source", "zego", "--since", "1h", "--yes")) == [{"discarded": 3}]
    assert rows(typed("discard", "--until", "1h", "--yes")) == [{"discarded": 0}]
    assert rows(typed("discard", videos[0]["id"])) == [{"id": videos[0]["id"], "discarded": True}]
    assert rows(typed("replay", "--all")) == [{"replayed": 4, "refused": []}]
    assert typed("discard", videos[0]["id"]).exit_code == 1


def test_a_replay_of_many_goes_on_over_batches_and_keeps_to_its_rate(service, typed):
    broken(service, 60)
    began = time.monotonic()
    assert rows(typed("replay", "--reason", "invalid", "--rate", "40")) == [{"replayed": 60, "refused": []}]
    # 10 a batch, and 50 of them must have had their time before the last.
    assert 1.2 < time.monotonic() - began < 6


def test_many_are_not_discarded_in_a_pipe_without_a_yes(service, typed):
    broken(service, 2)
    result = typed("discard", "--all")
    assert result.exit_code == 2
    assert "Discard 2 dead letters for good?" in result.stderr
    assert "--yes" in result.stderr
    assert len(rows(typed("list"))) == 2


def test_on_a_terminal_it_asks_and_a_no_keeps_them(service, typed, on_a_terminal: Typist):
    broken(service, 2)
    words = ("dead-letters", "discard", "--reason", "invalid", "--url", service.url)
    status, printed = on_a_terminal(*words, answer="n\n", API_TOKEN=API_TOKEN)
    assert status == 1
    assert "Discard 2 dead letters for good? [y/N]" in printed
    assert "Nothing was discarded." in printed
    assert len(rows(typed("list"))) == 2
    status, printed = on_a_terminal(*words, answer="y\n", API_TOKEN=API_TOKEN)
    assert status == 0
    assert "2 dead letters discarded" in printed
    assert rows(typed("list")) == []


def test_a_terminal_shows_a_table_and_a_bar_and_the_broken_place(service, typed, on_a_terminal: Typist):
    service.post("cts-audio", b'{\n  "code": 0,\n  "vid": nul,\n  "x": 1\n}')
    until(lambda: service.store.zcard("ti:dead") == 1)
    status, table = on_a_terminal("dead-letters", "list", "--url", service.url, API_TOKEN=API_TOKEN)
    assert status == 0
    heading, row = table.splitlines()
    assert heading.split()[:3] == ["DEAD", "LETTER", "SOURCE"]
    letter_id = row.split()[0]
    status, text = on_a_terminal("dead-letters", "show", letter_id, "--url", service.url, API_TOKEN=API_TOKEN)
    assert status == 0
    assert "message       line 3 column 10: expecting a value\n" in text
    assert '    2    "code": 0,\n    3    "vid": nul,\n                ^\n    4    "x": 1\n' in text
    broken(service, 250)
    words = ("dead-letters", "replay", "--all", "--url", service.url)
    status, printed = on_a_terminal(*words, API_TOKEN=API_TOKEN)
    assert status == 0
    assert "Replaying" in printed
    assert "100%" in printed
    assert printed.endswith("251 dead letters tried again\n")


def test_an_export_comes_back_elsewhere_to_the_byte_and_once(service, typed, tmp_path):
    for body in (b"{}", b"", b"\xff\x00", '{"中": '.encode(), b"x" * 50_000):
        service.post("zego", body)
    until(lambda: service.store.xlen("ti:inbox") == 0)
    exported = typed("export")
    letters = rows(exported)
    assert len(letters) == 5
    assert typed("export", "--source", "zego", "--file", "letters.jsonl").stdout == ""
    assert (tmp_path / "letters.jsonl").read_text() == exported.stdout
    assert rows(typed("discard", "--all", "--yes")) == [{"discarded": 5}]
    assert rows(typed("import", "letters.jsonl")) == [{"imported": 5, "known": 0}]
    assert rows(typed("import", "-", given=exported.stdout_bytes)) == [{"imported": 0, "known": 5}]
    back = {letter["id"]: letter for letter in rows(typed("export"))}
    assert back == {letter["id"]: letter for letter in letters}


def test_a_long_import_goes_in_parts_and_its_mistakes_are_named_by_the_line_of_the_file(service, typed, tmp_path):
    good = [json.dumps({"source": "zego", "raw": f"{{{' ' * n}"}) for n in range(450)]
    good[3] = f"\n\n{good[3]}"
    (tmp_path / "letters.jsonl").write_text("\n".join(good))
    assert rows(typed("import", "letters.jsonl")) == [{"imported": 450, "known": 0}]
    for mistake, said in (
        (b'{"source": "nobody", "raw": ""}', "Line 303: source"),
        (b"[", "Line 303 is no JSON object"),
    ):
        lines = [json.dumps({"source": "zego", "raw": f"[{' ' * n}"}).encode() for n in range(450)]
        lines[302] = mistake
        result = typed("import", "-", given=b"\n".join(lines))
        assert result.exit_code == 1
        assert said in result.stderr
        assert "Before that" in result.stderr


def test_ctrl_c_in_a_long_replay_says_how_far_it_came(service, typed, start):
    broken(service, 40)
    words = ("-m", "app.cli", "dead-letters", "replay", "--all", "--rate", "8", "--url", service.url)
    running = start(*words, API_TOKEN=API_TOKEN)
    until(lambda: int(service.store.get("ti:dead:last")) > 41)
    assert running.end(signal.SIGINT) == 130
    assert " of 40 replayed." in running.printed


def test_a_marked_place_stays_in_its_column_however_long_the_line():
    raw = '{"a": "' + "x" * 90 + '", "b": oops}'
    at = raw.index("oops")
    plain = [click.unstyle(line) for line in body_lines(raw, (at, at + 1), 60)]
    assert len(plain) == 3
    caret = plain[2].index("^")
    assert plain[1][caret] == "o"
    assert "".join(line[7:] for line in plain[:2]) == raw


def test_a_mark_after_chinese_words_is_under_what_it_marks():
    raw = '{"名": 五}'
    line, mark = (click.unstyle(text) for text in body_lines(raw, (6, 7), 60))
    assert line == "    1  " + raw
    assert mark == " " * (7 + 7) + "^^"


def test_what_a_sender_wrote_moves_no_cursor():
    lines = list(body_lines("\x1b[2J\x07ok\r\n\t.", None, 60))
    assert lines == ["    1  \ufffd[2J\ufffdok ", "    2   ."]


def test_a_body_can_be_had_to_the_byte_to_be_mended(service, typed):
    body = b'{"a": "\xff\x00"\r\n\n'
    service.post("zego", body)
    until(lambda: service.store.zcard("ti:dead") == 1)
    (letter,) = rows(typed("list"))
    assert typed("show", letter["id"], "--raw").stdout_bytes == body
