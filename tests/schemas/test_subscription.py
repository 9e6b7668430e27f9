"""A subscription: what somebody may ask for, and what they are told of what they may not."""

import base64

import pytest
from marshmallow import ValidationError

from schemas.problems import sentence
from schemas.subscription import OWN_QUEUE, SubscriptionSchema, celery_task, without_query
from workers.celery import QUEUE

EVERYTHING = {"source", "type", "status", "kind", "name", "media_id", "min_height"}


def load(**given):
    return SubscriptionSchema().load({"url": "https://host/path", **given})


def complaint(**given):
    with pytest.raises(ValidationError) as raised:
        load(**given)
    return sentence(raised.value.messages)


def test_a_url_is_enough_and_the_rest_is_filled_in():
    loaded = load()
    assert loaded["each"] == "rendition"
    assert loaded["filter"] == dict.fromkeys(EVERYTHING)
    assert len(base64.b64decode(loaded["secret"].removeprefix("whsec_"))) == 32
    assert load()["secret"] != loaded["secret"]


def test_null_and_empty_count_as_absent_so_a_form_can_be_sent_as_it_is():
    assert load(each=None, filter=None)["each"] == "rendition"
    assert load(filter={"source": "", "min_height": None, "name": ""})["filter"] == dict.fromkeys(EVERYTHING)


def test_a_whole_filter_is_kept_as_it_is():
    asked = {
        "source": "cts-video",
        "type": "transcode.completed",
        "status": "succeeded",
        "kind": "video",
        "name": "f[34]0",
        "media_id": "963f",
        "min_height": 720,
    }
    assert load(filter=asked, each="event")["filter"] == asked


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000",
        "https://user.example/hook?key=1",
        "http://[::1]:80/x",
        "celery://video/tasks.publish",
        "HTTPS://HOST/",
    ],
)
def test_destinations_that_can_be_reached_are_taken(url):
    assert load(url=url)["url"] == url


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "url: Must not be empty"),
        ("ftp://host/", "url: Must begin with http://, https:// or celery://"),
        ("host/path", "url: Must begin with http://, https:// or celery://"),
        ("https://", "url: Must name a host"),
        ("https://me:hush@host/", "url: Must not hold a user name or a password"),
        ("https://host:0/", "url: Must name a host"),
        ("https://host:65536/", "url: Not a URL"),
        ("https://[::1/", "url: Not a URL"),
        ("https://host/a b", "url: Must be visible ASCII"),
        ("https://host/\r\nx: y", "url: Must be visible ASCII"),
        ("https://主机/", "url: Must be visible ASCII"),
        ("https://host/#part", "url: Must have nothing after a #"),
        ("https://host/" + "x" * 2048, "url: May have 2048 characters"),
        ("celery://video", "url: Must be celery://<queue>/<task name>"),
        ("celery:///tasks.publish", "url: Must be celery://<queue>/<task name>"),
        ("celery://video/a/b", "url: Must be celery://<queue>/<task name>"),
        ("celery://user@video/tasks.publish", "url: Must be celery://<queue>/<task name>"),
        ("celery://transcode-inbox/ingest", "url: The queue transcode-inbox is transcode-inbox's own"),
        ("celery://transcode%2Dinbox/ingest", "url: The queue transcode-inbox is transcode-inbox's own"),
        ("celery://ti%3Apull%3A0/tasks.publish", "url: The queue ti:pull:0 is transcode-inbox's own"),
        (7, "url: Not a valid string"),
        (None, "url: Missing data for required field"),
    ],
)
def test_a_destination_nothing_could_be_sent_to_is_refused_in_a_sentence_about_the_url(url, says):
    said = complaint(url=url)
    assert said.startswith(says)
    assert "hush" not in said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"filter": {"min_height": 0}}, "filter.min_height: Must be a whole number from 1 to 100000, not 0"),
        ({"filter": {"min_height": "tall"}}, "filter.min_height: Must be a whole number"),
        ({"filter": {"min_height": 720.5}}, "filter.min_height: Must be a whole number"),
        ({"filter": {"source": "youtube"}}, "filter.source: Must be one of cts-audio, "),
        ({"filter": {"type": "done"}}, "filter.type: Must be a type of event"),
        ({"filter": {"status": "ok"}}, "filter.status: Must be one of "),
        ({"filter": {"name": "x" * 257}}, "filter.name: May have 256 characters"),
        ({"filter": {"heigth": 720}}, "filter.heigth: Unknown field"),
        ({"filter": [1]}, "filter: Must be an object"),
        ({"each": "day"}, "each: Must be one of rendition, event, not 'day'"),
        ({"secret": "hush"}, "secret: Must be whsec_ and the base64 of 24 to 64 bytes"),
        ({"secret": "whsec_aHVzaA=="}, "secret: Must be whsec_ and the base64 of 24 to 64 bytes"),
        ({"secret": "whsec_" + "!" * 40}, "secret: Must be whsec_ and the base64 of 24 to 64 bytes"),
        ({"secret": "whsec_" + "é" * 40}, "secret: Must be whsec_ and the base64 of 24 to 64 bytes"),
        ({"colour": "red"}, "colour: Unknown field"),
    ],
)
def test_what_is_wrong_is_said_with_the_field_s_name(given, says):
    said = complaint(**given)
    assert said.startswith(says)
    assert "hush" not in said


@pytest.mark.parametrize("body", [None, [], "x", 3])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(ValidationError) as raised:
        SubscriptionSchema().load(body)
    assert sentence(raised.value.messages) == "Must be an object"


def test_a_celery_address_names_a_queue_and_a_task():
    assert celery_task("celery://video/tasks.publish") == {"queue": "video", "task": "tasks.publish"}
    assert celery_task("https://video/tasks.publish") is None


def test_our_own_queue_is_the_one_that_is_refused():
    assert OWN_QUEUE == QUEUE


def test_what_is_kept_of_a_url_has_no_query_string():
    assert without_query("https://host/hook?key=hush") == "https://host/hook"
