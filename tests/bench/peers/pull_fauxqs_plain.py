"""fauxqs without the SDK: the same calls by the least HTTP client, so that boto3's own cost is seen."""

import json

import consumers
from http_client import Connection

BATCH = 10


def connect() -> consumers.Take:
    """A consumer."""
    connection = Connection(consumers.URL)

    def call(action: str, **parameters) -> dict:
        headers = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=bench/20250101/us-east-1/sqs/aws4_request",
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{action}",
        }
        return connection.post(headers, json.dumps(parameters))

    url = call("GetQueueUrl", QueueName="events")["QueueUrl"]

    def take() -> int:
        answer = call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=1)
        messages = answer.get("Messages", [])
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            call("DeleteMessageBatch", QueueUrl=url, Entries=entries)
        return len(messages)

    return take


if __name__ == "__main__":
    consumers.main(None, connect)
