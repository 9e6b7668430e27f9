"""A consumer as the SDK's own documentation shows it: only the host and the credentials are ours.

usage: python qcloudapi_sdk_python.py HOST SECRET_ID SECRET_KEY HOW_MANY
Pulls and confirms until HOW_MANY events have come, and prints each on a line. SSL_CERT_FILE says whom to trust.
"""

import json
import sys

from QcloudApi.modules.vod import Vod
from QcloudApi.qcloudapi import QcloudApi

Vod.requestHost, secret_id, secret_key, how_many = sys.argv[1:]

service = QcloudApi("vod", {"Region": "gz", "secretId": secret_id, "secretKey": secret_key})

seen = 0
while seen < int(how_many):
    pulled = json.loads(service.call("PullEvent", {}))
    if pulled["code"] == 4000:
        continue
    handles = {f"msgHandle.{number}": event["msgHandle"] for number, event in enumerate(pulled["eventList"])}
    confirmed = json.loads(service.call("ConfirmEvent", handles))
    if confirmed["code"] != 0:
        sys.exit(str(confirmed))
    for event in pulled["eventList"]:
        print(json.dumps(event))  # noqa: T201 - this is what a consumer does
    seen += len(pulled["eventList"])
