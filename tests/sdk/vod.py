"""API 3.0 through `tencentcloud-sdk-python-vod` as it is: nothing but an endpoint and credentials."""

from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.vod.v20180717.models import ConfirmEventsRequest, EventContent, PullEventsRequest
from tencentcloud.vod.v20180717.vod_client import VodClient

from tests.running import SECRET_ID, SECRET_KEY, Service

SIGN_METHODS = ("TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1")


class SdkClient:
    """The two calls, as the SDK's own documentation shows them."""

    def __init__(
        self,
        service: Service,
        secret_id: str = SECRET_ID,
        secret_key: str = SECRET_KEY,
        sign_method: str = "TC3-HMAC-SHA256",
        method: str = "POST",
        sub_app_id: int | None = None,
    ) -> None:
        http = HttpProfile(protocol="http", endpoint=service.host, reqMethod=method, keepAlive=True)
        profile = ClientProfile(signMethod=sign_method, httpProfile=http)
        self.sdk = VodClient(Credential(secret_id, secret_key), "ap-guangzhou", profile)
        self.sub_app_id = sub_app_id

    def pull(self, ext_info: str | None = None) -> list[EventContent]:
        request = PullEventsRequest()
        request.SubAppId = self.sub_app_id
        request.ExtInfo = ext_info
        return self.sdk.PullEvents(request).EventSet

    def confirm(self, *handles: str) -> str:
        """The id of the request."""
        request = ConfirmEventsRequest()
        request.EventHandles = list(handles)
        request.SubAppId = self.sub_app_id
        return self.sdk.ConfirmEvents(request).RequestId

    def refused(self, *handles: str) -> TencentCloudSDKException:
        """What the SDK raises when these are confirmed."""
        try:
            self.confirm(*handles)
        except TencentCloudSDKException as exception:
            return exception
        raise AssertionError("confirmed")
