"""What is marked in a broken body is what has to be mended."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.places import span_of
from schemas.reading import NotUnderstood, read_callback

BODY = '{\n "status": "1",\n "data": {"playSet": [{"url": 5}, {"url" : [1, {"a": "b"}] }], "data": 7},\n "data2": null}'


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("status", '"1"'),
        ("data.playSet.0.url", "5"),
        ("data.playSet.1.url", '[1, {"a": "b"}]'),
        ("data.playSet.1.url.1.a", '"b"'),
        ("data.data", "7"),
        ("data2", "null"),
        ("vid", "{"),
        ("data.playSet.2.url", "["),
        ("data.playSet.0.name", "{"),
        ("status.code", '"'),
    ],
)
def test_a_field_is_its_value_or_where_it_is_missing(path: str, marked: str) -> None:
    start, end = span_of(BODY, {"field": path}) or (0, 0)
    assert BODY[start:end] == marked


def test_the_last_of_two_members_of_one_name_is_marked_as_it_is_the_one_that_was_read() -> None:
    assert span_of('{"a": 1, "a": 22}', {"field": "a"}) == (14, 16)


@pytest.mark.parametrize(
    ("raw", "place", "span"),
    [
        ('{"a" 1}', {"line": 1, "column": 6}, (5, 6)),
        ('{\n\n "a" 1}', {"line": 3, "column": 6}, (8, 9)),
        ("{", {"line": 1, "column": 2}, (1, 1)),
        ("{", {"line": 2, "column": 1}, None),
        ("{", {"line": 1, "column": 5}, None),
        ("", {"line": 1, "column": 1}, (0, 0)),
        ("%7B", {"field": "a"}, (0, 1)),
        ("", {"field": "a"}, None),
        ('{"a": [1', {"field": "a.0"}, None),
        ("{}", {}, None),
    ],
)
def test_a_position_is_the_character_there(raw: str, place: Any, span: Any) -> None:
    assert span_of(raw, place) == span


@pytest.mark.parametrize(
    "body", [b'{"a": 1,}', b'{"a" 1}', b'{"a": nul}', b'{"a": "b}', b'{"a": \xff}', b"{} 5", b"[5]"]
)
def test_the_place_that_reading_names_is_in_the_body(body: bytes) -> None:
    with pytest.raises(NotUnderstood) as caught:
        read_callback("cts-video", body, received_at="")
    assert caught.value.place is not None
    assert span_of(body.decode(errors="replace"), caught.value.place) is not None


PLACES = st.one_of(
    st.fixed_dictionaries({"field": st.text(alphabet="ab.01", max_size=9)}),
    st.fixed_dictionaries({"line": st.integers(1, 9), "column": st.integers(1, 9)}),
)


@settings(max_examples=300, deadline=None)
@given(raw=st.text(alphabet='{}[]",:ab01 \n\\', max_size=40), place=PLACES)
def test_no_letter_keeps_a_page_from_being_shown(raw: str, place: Any) -> None:
    span = span_of(raw, place)
    assert span is None or 0 <= span[0] <= span[1] <= len(raw)
