"""transcode-inbox by the vendor's own SDK, unchanged but for the endpoint."""

import os
from urllib.parse import urlsplit

import consumers
from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.vod.v20180717 import models
from tencentcloud.vod.v20180717.vod_client import VodClient


def connect() -> consumers.Take:
    """A consumer."""
    profile = ClientProfile(
        httpProfile=HttpProfile(protocol="http", endpoint=urlsplit(consumers.URL).netloc, keepAlive=True)
    )
    vod = VodClient(Credential(os.environ["SECRET_ID"], os.environ["SECRET_KEY"]), "", profile)

    def take() -> int:
        handles = [event.EventHandle for event in vod.PullEvents(models.PullEventsRequest()).EventSet]
        if handles:
            confirm = models.ConfirmEventsRequest()
            confirm.EventHandles = handles
            vod.ConfirmEvents(confirm)
        return len(handles)

    return take


if __name__ == "__main__":
    consumers.main(None, connect)
