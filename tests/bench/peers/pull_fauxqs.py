"""fauxqs, an SQS over HTTP, by its usual SDK: receive 10, delete them in one batch; nothing parsed."""

from collections.abc import Iterable
from itertools import islice

import boto3
import consumers

#: What SQS allows a call.
BATCH = 10


def _client():
    return boto3.client(
        "sqs",
        endpoint_url=consumers.URL,
        region_name="us-east-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
    )


def fill(bodies: Iterable[str]) -> None:
    """Ten messages a call."""
    sqs = _client()
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    bodies = iter(bodies)
    while batch := list(islice(bodies, BATCH)):
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(batch)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def connect() -> consumers.Take:
    """A consumer."""
    sqs = _client()
    url = sqs.get_queue_url(QueueName="events")["QueueUrl"]

    def take() -> int:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=1).get("Messages", [])
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        return len(messages)

    return take


if __name__ == "__main__":
    consumers.main(fill, connect)
