"""Flask + Celery the obvious way: one `delay()` a callback, acknowledged when the broker has it.

The body is passed on as text, unparsed, which spares this peer a JSON round trip that most views would make.
"""

import os

from celery import Celery
from flask import Flask, request

celery = Celery("callbacks", broker=os.environ["REDIS_URL"])
app = Flask(__name__)


@celery.task(ignore_result=True)
def handle(body: str) -> None:
    """What the callback sets off; nobody consumes during this benchmark."""


@app.post("/callbacks/cts-video")
def callback():
    handle.delay(request.get_data(as_text=True))
    return {"code": 0}
