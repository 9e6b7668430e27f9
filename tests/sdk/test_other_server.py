"""The same on Granian, the other web server, which reads requests in its own way."""

from collections.abc import Iterator

import pytest
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from schemas.samples import sample
from tests.pull_client import PullClient
from tests.queue_state import recorded, waiting
from tests.running import Service
from tests.sdk.vod import SIGN_METHODS, SdkClient


@pytest.fixture(scope="module")
def granian(_service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A web process of Granian's on the store of the running service, whose worker and clock do for both."""
    directory = tmp_path_factory.mktemp("granian")
    granian = Service(_service.redis_url, directory, WEB_SERVER="granian", WEB_CONCURRENCY="1")
    granian.start("web")
    yield granian
    granian.stop()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("sign_method", SIGN_METHODS)
def test_api_3_0(service: Service, granian: Service, sign_method: str, method: str) -> None:
    service.post("cts-video", sample("cts-video"))
    recorded(service, 1)
    client = SdkClient(granian, sign_method=sign_method, method=method, sub_app_id=0)
    (event,) = client.pull('a=1&b="任意"+%')
    client.confirm(event.EventHandle)
    assert waiting(service) == 0
    assert client.refused("garbled").code == "InvalidParameterValue"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_legacy_api(service: Service, granian: Service, method: str) -> None:
    service.post("cts-video", sample("cts-video"))
    recorded(service, 1)
    client = PullClient(granian, method=method)
    (event,) = client.pull()
    assert client.confirm(event["msgHandle"])["code"] == 0
    assert waiting(service) == 0
    assert client.confirm("句柄")["code"] == 4000


def test_a_request_too_large(granian: Service) -> None:
    with pytest.raises(TencentCloudSDKException) as raised:
        SdkClient(granian).pull("x" * 1_000_000)
    assert raised.value.code == "RequestSizeLimitExceeded"
    assert PullClient(granian, method="POST").call("PullEvent", ExtInfo="x" * 1_000_000)["code"] == 4000
