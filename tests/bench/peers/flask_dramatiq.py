"""Flask + dramatiq: one `send()` a callback."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from flask import Flask, request

dramatiq.set_broker(RedisBroker(url=os.environ["REDIS_URL"]))
app = Flask(__name__)


@dramatiq.actor
def handle(body: str) -> None:
    """What the callback sets off; nobody consumes during this benchmark."""


@app.post("/callbacks/cts-video")
def callback():
    handle.send(request.get_data(as_text=True))
    return {"code": 0}
