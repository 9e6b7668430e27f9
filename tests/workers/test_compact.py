"""What is kept small comes back to the byte, and by every version that comes after."""

import hashlib
import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.encoding import encode
from schemas.reading import read_callback
from schemas.samples import sample
from schemas.sources import SOURCES
from workers.queues.compact import compact, expanded


@given(document=st.binary(max_size=2000), body=st.binary(max_size=2000))
def test_whatever_it_is_comes_back(document: bytes, body: bytes) -> None:
    assert expanded(compact(document, body)) == (document, body)


def test_a_dictionary_that_was_released_never_changes() -> None:
    """What was kept with another one could not be read any more. A better one is a file with the next number."""
    released = {1: "49592f63a66f2ddb"}
    for number, digest in released.items():
        text = (resources.files("workers.queues") / f"kept_{number}.dictionary").read_bytes()
        assert hashlib.sha256(text).hexdigest().startswith(digest)


def test_what_was_kept_by_the_first_version_can_be_read() -> None:
    kept = bytes.fromhex("0163606050afc67a9a1a5015d2d967c08172688a001f80051a4240e9bcc5d60200")
    assert expanded(kept) == (b'{"id":"zego:1","renditions":[]}', b'{"Event":"transcode_stop","TaskId":"1"}')


@pytest.mark.parametrize("source", SOURCES)
def test_a_documented_callback_is_kept_in_a_fraction(source: str) -> None:
    body = json.dumps(json.loads(sample(source)), separators=(",", ":")).encode()
    event = read_callback(source, body, received_at="2026-01-01T00:00:00.000Z", check_signature=False)
    document = encode({name: value for name, value in event.items() if name != "raw"})
    assert len(compact(document, body)) < 0.25 * (len(document) + len(body))
