"""What is sent: the document, an id that never changes, and a signature that every library of Standard Webhooks takes."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from schemas.matching import WHOLE_EVENT
from schemas.reading import read_callback
from schemas.samples import sample
from schemas.subscription import SubscriptionSchema, new_secret
from schemas.webhook import body_of, document, headers, task_id, webhook_id

#: From the tests of the Standard Webhooks libraries.
PUBLISHED = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "at": 1614265330,
    "body": b'{"test": 2432232314}',
    "signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}

EVENT = read_callback("cts-video", sample("cts-video", fresh=False), received_at="2026-01-01T00:00:00.000Z")
NOTHING_ASKED = SubscriptionSchema().load({"url": "http://host/"})["filter"]


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=8))])
def test_the_published_vector_is_signed_as_published_wherever_the_worker_s_clock_is(zone):
    at = datetime.fromtimestamp(PUBLISHED["at"], zone)
    signed = headers(PUBLISHED["id"], PUBLISHED["body"], PUBLISHED["secret"], at)
    assert signed["webhook-signature"] == PUBLISHED["signature"]
    assert signed["webhook-timestamp"] == str(PUBLISHED["at"])
    assert signed["webhook-id"] == PUBLISHED["id"]


def test_what_is_sent_verifies_to_the_byte_and_not_with_another_secret():
    secret = new_secret()
    body = body_of(document(EVENT, 0, NOTHING_ASKED))
    signed = headers("msg_1", body, secret, datetime.now(UTC))
    assert Webhook(secret).verify(body, signed) == json.loads(body)
    for wrong in (
        lambda: Webhook(new_secret()).verify(body, signed),
        lambda: Webhook(secret).verify(body + b" ", signed),
    ):
        with pytest.raises(WebhookVerificationError):
            wrong()


def test_a_body_in_chinese_and_one_with_half_a_character_verify_too():
    secret = new_secret()
    for name in ("视频", "\ud800"):
        body = body_of({"id": "x", "raw": name})
        signed = headers("msg_1", body, secret, datetime.now(UTC))
        assert Webhook(secret).verify(body, signed)["raw"] == name


def test_the_time_is_now_so_a_late_attempt_is_not_refused_as_a_replay():
    signed = headers("msg_1", b"{}", new_secret(), datetime.now(UTC))
    assert abs(int(signed["webhook-timestamp"]) - time.time()) < 5


def test_a_rendition_goes_out_as_on_the_exchange():
    sent = document(EVENT, 3, NOTHING_ASKED)
    about = sent.pop("event")
    assert sent == EVENT["renditions"][3]
    assert about == {key: value for key, value in EVENT.items() if key not in ("raw", "renditions")}


def test_an_event_goes_out_whole_with_the_renditions_that_match():
    asked = SubscriptionSchema().load({"url": "http://host/", "filter": {"kind": "video", "min_height": 720}})["filter"]
    sent = document(EVENT, WHOLE_EVENT, asked)
    assert [rendition["name"] for rendition in sent["renditions"]] == ["f30", "f40"]
    assert sent["raw"] == EVENT["raw"]
    assert {**sent, "renditions": None} == {**EVENT, "renditions": None}


def test_ids_are_as_stable_as_what_they_name():
    sent = document(EVENT, 0, NOTHING_ASKED)
    assert webhook_id(sent) == webhook_id({"id": sent["id"]})
    assert len(webhook_id(sent)) == len("msg_") + 32
    ids = {webhook_id(document(EVENT, number, NOTHING_ASKED)) for number in (*range(8), WHOLE_EVENT)}
    assert len(ids) == 9
    assert len({task_id(one) for one in ids}) == 9
    # Written down, because receivers keep these ids: another number here is a promise broken.
    assert webhook_id({"id": "cts-video:1/video/f10"}) == "msg_d83be8ed43f3fd5d3a512192d7bb52fc"
    assert task_id("msg_d83be8ed43f3fd5d3a512192d7bb52fc") == "37e34e3b-0be4-5f20-a6ef-068101534ba7"
