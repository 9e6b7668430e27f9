"""FastAPI + arq: one `enqueue_job()` a callback, on uvicorn with uvloop and httptools."""

import os
from contextlib import asynccontextmanager

from arq import create_pool
from arq.connections import RedisSettings
from fastapi import FastAPI, Request


@asynccontextmanager
async def lifespan(app: FastAPI):
    app.state.queue = await create_pool(RedisSettings.from_dsn(os.environ["REDIS_URL"]))
    yield
    await app.state.queue.aclose()


app = FastAPI(lifespan=lifespan)


@app.post("/callbacks/cts-video")
async def callback(request: Request):
    await app.state.queue.enqueue_job("handle", await request.body())
    return {"code": 0}
