"""A Flask view that does a single XADD: the least that makes a callback durable."""

import os

import redis
from flask import Flask, request

store = redis.Redis.from_url(os.environ["REDIS_URL"])
app = Flask(__name__)


@app.post("/callbacks/cts-video")
def callback():
    store.xadd("callbacks", {"cts-video": request.get_data()})
    return {"code": 0}
