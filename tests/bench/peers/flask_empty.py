"""An empty Flask view: reads the body, stores nothing. What Flask alone costs."""

from flask import Flask, request

app = Flask(__name__)


@app.post("/callbacks/cts-video")
def callback():
    request.get_data()
    return {"code": 0}
