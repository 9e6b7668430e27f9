"""The obvious chain: a Celery task an event, and a Celery task a rendition.

`handle` loads the JSON, validates it with a plain marshmallow schema, drops what it has seen before, stores
the event, and starts one `store_rendition` for each rendition: nine tasks for the documented cts-video
result.

    seen:<sha256>   set once, the deduplication mark
    events          hash; vid -> the event
    renditions      hash; vid/kind/name -> the rendition

Run as a program it puts callbacks, one a line of standard input, into the queue.
"""

import hashlib
import json
import os
import sys

import redis
from celery import Celery
from marshmallow import INCLUDE, Schema, fields

URL = os.environ["REDIS_URL"]
FOUR_DAYS = 4 * 24 * 3600

app = Celery("naive_chain", broker=URL)
store = redis.Redis.from_url(URL)


class Bucket(Schema):
    bucket_name = fields.String(required=True)
    bucket_region = fields.String(required=True)
    app_id = fields.Integer(required=True)


class Rendition(Schema):
    class Meta:
        unknown = INCLUDE

    name = fields.String(required=True)
    path = fields.Raw(required=True)
    width = fields.Integer()
    height = fields.Integer()
    fps = fields.Integer()
    bitrate = fields.Integer()
    trans_size = fields.Integer()
    count = fields.Integer()


class Kind(Schema):
    info = fields.List(fields.Nested(Rendition), required=True)
    dst = fields.Nested(Bucket)


class Detail(Schema):
    width = fields.Integer()
    height = fields.Integer()
    duration = fields.Integer()
    bitrate = fields.Integer()
    size = fields.Integer()
    result = fields.Dict(keys=fields.String(), values=fields.Nested(Kind))


class Callback(Schema):
    status = fields.String(required=True)
    url_f0 = fields.String(required=True)
    v_type = fields.String()
    name = fields.String()
    vid = fields.String(required=True)
    url = fields.Url(required=True)
    callback_type = fields.String()
    detail = fields.Nested(Detail, required=True)
    app_id = fields.Integer()
    create_time = fields.DateTime("%Y-%m-%d %H:%M:%S")
    bucket_name = fields.String()
    bucket_region = fields.String()


SCHEMA = Callback()


@app.task(ignore_result=True)
def handle(body: str) -> None:
    """Records one callback."""
    event = SCHEMA.load(json.loads(body))
    mark = "seen:" + hashlib.sha256(body.encode()).hexdigest()
    if not store.set(mark, 1, nx=True, ex=FOUR_DAYS):
        return
    vid = event["vid"]
    store.hset("events", vid, json.dumps(event, default=str))
    for kind, outputs in event["detail"]["result"].items():
        for rendition in outputs["info"]:
            store_rendition.delay(f"{vid}/{kind}/{rendition['name']}", rendition)


@app.task(ignore_result=True)
def store_rendition(rendition_id: str, rendition: dict) -> None:
    """Records one of its outputs."""
    store.hset("renditions", rendition_id, json.dumps(rendition))


if __name__ == "__main__":
    for line in sys.stdin:
        handle.delay(line.strip())
