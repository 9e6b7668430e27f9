"""The two generations of the pull API behind one face, for what both promise."""

from collections.abc import Callable
from dataclasses import dataclass

from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException

from tests.pull_client import PullClient
from tests.running import Service
from tests.sdk.vod import SdkClient

#: What a bad handle is called.
BAD_HANDLE = {"v2": "4000", "v3": "InvalidParameterValue"}


@dataclass(frozen=True)
class Refusal:
    code: str
    message: str


class V2:
    name = "v2"

    def __init__(self, service: Service, secret_id: str, secret_key: str, sub_app_id: int | None = None) -> None:
        self._client = PullClient(service, secret_id, secret_key)
        self._asked = {} if sub_app_id is None else {"SubAppId": sub_app_id}

    def pull(self) -> list[str] | Refusal:
        answer = self._client.call("PullEvent", **self._asked)
        if answer["code"] not in (0, 4000):
            return Refusal(str(answer["code"]), answer["message"])
        return [event["msgHandle"] for event in answer.get("eventList", ())]

    def confirm(self, *handles: str) -> Refusal | None:
        numbered = {f"msgHandle.{number}": handle for number, handle in enumerate(handles)}
        answer = self._client.call("ConfirmEvent", **self._asked, **numbered)
        return Refusal(str(answer["code"]), answer["message"]) if answer["code"] else None


class V3:
    name = "v3"

    def __init__(self, service: Service, secret_id: str, secret_key: str, sub_app_id: int | None = None) -> None:
        self._client = SdkClient(service, secret_id, secret_key, sub_app_id=sub_app_id)

    def pull(self) -> list[str] | Refusal:
        try:
            return [event.EventHandle for event in self._client.pull()]
        except TencentCloudSDKException as exception:
            return Refusal(exception.code, exception.message)

    def confirm(self, *handles: str) -> Refusal | None:
        try:
            self._client.confirm(*handles)
        except TencentCloudSDKException as exception:
            return Refusal(exception.code, exception.message)
        return None


Api = V2 | V3
GENERATIONS: dict[str, Callable[..., Api]] = {"v2": V2, "v3": V3}


def pulled(api: Api) -> list[str]:
    handles = api.pull()
    assert not isinstance(handles, Refusal), handles
    return handles
