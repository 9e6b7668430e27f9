"""A consumer as the SDK's own documentation shows it: only the endpoint and the credentials are ours.

usage: python tencentcloud_sdk_python_vod.py ENDPOINT SECRET_ID SECRET_KEY HOW_MANY
Pulls and confirms until HOW_MANY events have come, and prints each on a line.
"""

import sys

from tencentcloud.common import credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.vod.v20180717 import models, vod_client

endpoint, secret_id, secret_key, how_many = sys.argv[1:]

profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=endpoint))
client = vod_client.VodClient(credential.Credential(secret_id, secret_key), "ap-guangzhou", profile)

seen = 0
while seen < int(how_many):
    pulled = client.PullEvents(models.PullEventsRequest())
    if not pulled.EventSet:
        continue
    request = models.ConfirmEventsRequest()
    request.EventHandles = [event.EventHandle for event in pulled.EventSet]
    client.ConfirmEvents(request)
    for event in pulled.EventSet:
        print(event.to_json_string())  # noqa: T201 - this is what a consumer does
    seen += len(pulled.EventSet)
