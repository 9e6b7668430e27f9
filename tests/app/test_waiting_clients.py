"""A thousand clients in the waiting room at once, over HTTP, on the default deployment."""

import asyncio
import json
import socket
import statistics
import time

import pytest

from schemas.samples import sample
from tests.pull_client import PullClient
from tests.running import Service, until

CLIENTS = 1000
EVENTS = 60


async def ask(service: Service, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        return await reader.readexactly(length)
    finally:
        writer.close()


def callback(number: int) -> bytes:
    body = json.dumps({**json.loads(sample("tencent-vod")), "number": number}).encode()
    return b"POST /callbacks/tencent-vod HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@pytest.mark.timeout(90)
def test_a_thousand_clients_wait_none_is_refused_and_each_event_wakes_one_at_once(service: Service) -> None:
    request = (
        f"GET /v2/index.php?{PullClient(service).signed('PullEvent')} HTTP/1.1\r\nHost: {service.host}\r\n\r\n".encode()
    )
    posted: dict[int, float] = {}
    woken: dict[int, float] = {}
    stop = asyncio.Event()

    async def client() -> None:
        while not stop.is_set():
            answer = json.loads(await ask(service, request))
            now = time.monotonic()
            assert answer["code"] in (0, 4000), answer
            for event in answer.get("eventList", ()):
                number = event["eventContent"]["number"]
                assert number not in woken, "one event was given to two clients"
                woken[number] = now - posted[number]

    async def vendor() -> tuple[float, float]:
        await asyncio.sleep(3)
        commands, start = service.store.info("stats")["total_commands_processed"], time.monotonic()
        for number in range(EVENTS):
            before = time.monotonic()
            await ask(service, callback(number))
            posted[number] = before
            await asyncio.sleep(0.05)
        taken = time.monotonic() - start
        commands = service.store.info("stats")["total_commands_processed"] - commands
        await asyncio.sleep(1)
        stop.set()
        return commands / taken, taken

    async def everybody() -> float:
        clients = [asyncio.create_task(client()) for _ in range(CLIENTS)]
        rate, _ = await vendor()
        await asyncio.gather(*clients)
        return rate

    commands_a_second = asyncio.run(everybody())
    assert len(woken) == EVENTS
    assert statistics.median(woken.values()) < 0.1, sorted(woken.values())
    # 200 pulls a second are the clients' own, asking again every 5 s; each event adds a few commands, not one a client.
    assert commands_a_second < 200 * 12 + 20 * 150, commands_a_second
    until(lambda: service.store.zcard("ti:pull:0:held") == EVENTS)


def test_what_comes_after_clients_have_hung_up_goes_to_one_that_is_still_there(service: Service) -> None:
    pulling = PullClient(service)
    request = f"GET /v2/index.php?{pulling.signed('PullEvent')} HTTP/1.1\r\nHost: {service.host}\r\n\r\n".encode()
    gone = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(20)]
    for connection in gone:
        connection.sendall(request)
    time.sleep(0.5)
    for connection in gone:
        connection.close()
    assert service.post("tencent-vod", sample("tencent-vod")).status == 200
    assert len(pulling.pull()) == 1
