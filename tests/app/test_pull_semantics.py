"""What both generations of the pull API promise of the queue, over HTTP, against the running service."""

import threading
import time

import pytest

from schemas.samples import sample
from tests.app.generations import BAD_HANDLE, GENERATIONS, Api, pulled
from tests.pull_client import PullClient
from tests.queue_state import held, later, recorded, waiting
from tests.running import SECRET_ID, SECRET_KEY, Service, until
from workers.queues.pull import PullQueues

DAY = 86_400


pytestmark = pytest.mark.usefixtures("real_time")  # which is under way while these run


@pytest.fixture(params=GENERATIONS)
def api(service: Service, request: pytest.FixtureRequest) -> Api:
    return GENERATIONS[request.param](service, SECRET_ID, SECRET_KEY)


def post(service: Service, count: int = 1, source: str = "cts-video") -> None:
    for _ in range(count):
        service.post(source, sample(source))
    recorded(service, count)


def pull_now(service: Service) -> list:
    """What a pull finds, without the wait when there is nothing."""
    return PullQueues(service.store, key=b"nobody's", queues=1).pull("0", "v2")[0]


def test_what_is_pulled_and_confirmed_is_gone_and_nothing_else_is(service: Service, api: Api) -> None:
    post(service, 3)
    handles = pulled(api)
    assert len(handles) == 3
    assert api.confirm(handles[0], handles[2]) is None
    assert (waiting(service), held(service)) == (1, 1)
    later(service, 31)
    (again,) = pulled(api)
    assert again != handles[1]
    assert again.split(".")[0] == handles[1].split(".")[0]


def test_one_call_gives_sixteen_at_most(service: Service, api: Api) -> None:
    post(service, 20, "zego")
    assert [len(pulled(api)), len(pulled(api))] == [16, 4]


def test_a_waiting_client_is_woken_by_an_event(service: Service, api: Api) -> None:
    threading.Timer(1, lambda: service.post("cts-video", sample("cts-video"))).start()
    start = time.monotonic()
    assert len(pulled(api)) == 1
    assert 0.9 <= time.monotonic() - start <= 2.5


def test_a_late_handle_is_refused_and_the_event_comes_back(service: Service, api: Api) -> None:
    post(service)
    (handle,) = pulled(api)
    later(service, 30)
    refusal = api.confirm(handle)
    assert refusal is not None
    assert refusal.code == BAD_HANDLE[api.name]
    assert handle in refusal.message
    assert len(pulled(api)) == 1


def test_a_handle_in_time_is_good_until_the_last_second(service: Service, api: Api) -> None:
    post(service)
    (handle,) = pulled(api)
    later(service, 28)
    assert api.confirm(handle) is None
    assert waiting(service) == 0


def test_a_superseded_handle_is_refused_before_and_after_the_new_one_is_confirmed(service: Service, api: Api) -> None:
    post(service)
    (old,) = pulled(api)
    later(service, 30)
    (new,) = pulled(api)
    assert api.confirm(old) is not None
    assert waiting(service) == 1
    assert api.confirm(new) is None
    assert api.confirm(old) is not None


def test_confirming_what_is_confirmed_succeeds_even_later(service: Service, api: Api) -> None:
    post(service)
    (handle,) = pulled(api)
    assert api.confirm(handle) is None
    assert api.confirm(handle, handle) is None
    later(service, 60)
    assert api.confirm(handle) is None


def test_good_handles_are_confirmed_beside_a_bad_one(service: Service, api: Api) -> None:
    post(service, 2)
    first, second = pulled(api)
    refusal = api.confirm(first, "garbled", second)
    assert refusal is not None
    assert refusal.code == BAD_HANDLE[api.name]
    assert "garbled" in refusal.message
    assert first not in refusal.message
    assert (waiting(service), held(service)) == (0, 0)


def test_sixteen_handles_are_confirmed_and_seventeen_are_refused_whole(service: Service, api: Api) -> None:
    post(service, 17, "zego")
    handles = pulled(api) + pulled(api)
    refusal = api.confirm(*handles)
    assert refusal is not None
    assert refusal.code == BAD_HANDLE[api.name]
    assert waiting(service) == 17
    assert api.confirm(*handles[:16]) is None
    assert waiting(service) == 1


def test_a_handle_cannot_be_changed_into_another(service: Service, api: Api) -> None:
    post(service, 2)
    first, second = pulled(api)
    parts = first.split(".")
    for number, other in enumerate(second.split(".")):
        if parts[number] != other:
            forged = ".".join([*parts[:number], other, *parts[number + 1 :]])
            assert api.confirm(forged) is not None
    for forged in ("", ".", "...", first[:-1], f"{first}0", first.upper(), "x" * 3000, "句柄", "\x00"):
        assert api.confirm(forged) is not None
    assert waiting(service) == 2


def test_both_generations_share_one_queue_and_its_handles(service: Service) -> None:
    v2, v3 = (GENERATIONS[name](service, SECRET_ID, SECRET_KEY) for name in ("v2", "v3"))
    post(service, 2)
    handles = pulled(v2)
    assert len(handles) == 2
    assert pull_now(service) == []
    assert v3.confirm(*handles) is None
    assert waiting(service) == 0


def test_two_hundred_consumers_never_hold_one_event_twice(service: Service) -> None:
    entries: list[str] = []

    def consume(number: int) -> None:
        api = GENERATIONS["v3" if number % 2 else "v2"](service, SECRET_ID, SECRET_KEY)
        entries.extend(handle.split(".")[0] for handle in pulled(api))

    threads = [threading.Thread(target=consume, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    # Events come until every consumer has had some, so none of them waits for nothing.
    while any(thread.is_alive() for thread in threads):
        for _ in range(20):
            service.post("zego", sample("zego"))
    for thread in threads:
        thread.join()
    assert len(entries) == len(set(entries)) >= 200
    assert held(service) == len(entries)


def test_an_event_nobody_pulls_is_kept_four_days_and_not_longer(service: Service) -> None:
    post(service)
    later(service, 4 * DAY - 60)
    time.sleep(1.5)  # the clock looks once a second
    assert waiting(service) == 1
    later(service, 61)
    until(lambda: waiting(service) == 0)
    assert service.api("events").json["events"] == []


def test_an_event_that_is_pulled_again_and_again_is_kept_no_longer(service: Service, api: Api) -> None:
    post(service)
    (handle,) = pulled(api)
    later(service, 4 * DAY + 1)
    until(lambda: waiting(service) == 0)
    assert held(service) == 0
    assert api.confirm(handle) is not None


def test_a_clock_that_jumps_ends_no_hold_and_loses_no_event(service: Service, api: Api) -> None:
    post(service, 2)
    handle, _ = pulled(api)
    for seconds in (3600, -3600, 30 * DAY, -30 * DAY, 6, -6):
        # As if the server's clock had been moved since anybody last looked.
        service.store.hincrby("ti:time", "wall", -seconds * 1000)
        for _ in range(3):
            assert pull_now(service) == []
    assert waiting(service) == 2
    assert api.confirm(handle) is None


def test_an_event_that_was_pulled_several_times_is_confirmed_once(service: Service) -> None:
    post(service)
    client = PullClient(service)
    for _ in range(2):
        client.pull()
        later(service, 31)
    assert len(client.drain()) == 1
    (event,) = service.api("events").json["events"]
    history = service.api(f"events/{event['id']}").json["history"]
    assert [step["what"] for step in history] == ["received", "recorded", "expired", "pulled", "confirmed"]
