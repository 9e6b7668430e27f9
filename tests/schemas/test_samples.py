"""What `send` posts."""

import json
from importlib.resources import files

import pytest

from schemas.samples import packaged, sample
from schemas.sources import SOURCES
from tests.schemas.bodies import SAMPLES, read


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_a_sample_that_is_understood(source):
    event = read(source, sample(source))
    assert event["source"] == source
    assert event["renditions"]


@pytest.mark.parametrize("source", SOURCES)
def test_fresh_samples_are_new_events_about_new_tasks(source):
    one, other = read(source, sample(source)), read(source, sample(source))
    assert one["id"] != other["id"]
    assert one["task_id"] != other["task_id"]
    assert one["media_id"] != other["media_id"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_stale_sample_is_the_documented_body_itself(source):
    assert sample(source, fresh=False) == packaged(source)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_sample_of_zego_is_signed_when_there_is_a_secret(fresh):
    body = sample("zego", fresh=fresh, zego_secret="s3cret")
    assert read("zego", body, zego_secret="s3cret")["status"] == "running"
    assert json.loads(sample("cts-audio", zego_secret="s3cret"))["status"] == "success"


def test_an_unknown_source_has_no_sample():
    with pytest.raises(KeyError):
        sample("nobody")


def test_every_packaged_sample_is_tested():
    names = {path.name.removesuffix(".json") for path in files("schemas.samples").iterdir()}
    # One that is named after its source is tested above.
    assert {name for name in names if not name.startswith("__")} == set(SAMPLES) | set(SOURCES)


@pytest.mark.parametrize(
    ("source", "retries"),
    [
        ("zego", (2, 4, 8, 16, 32)),
        ("tencent-vod", (1, 1)),
        ("cts-video", ()),
        ("cts-audio", ()),
        ("cts-snapshot", ()),
    ],
)
def test_each_vendor_retries_as_its_page_says(source, retries):
    assert SOURCES[source].retries == retries
    assert SOURCES[source].response_timeout == 5
    assert SOURCES[source].name == source
