"""Creates, reads, lists and retries with the client of openapi-python-client. Prints what it saw."""

import json
import os

from postcall_client import AuthenticatedClient
from postcall_client.api.batches import list_batch_webhooks, retry_batch
from postcall_client.api.webhooks import create_webhooks, get_webhook
from postcall_client.models import (
    BatchAnswer,
    CreateRequest,
    Failure,
    ListBatchWebhooksStatus,
    Webhook,
    WebhookAnswer,
    WebhookPage,
    WebhooksAnswer,
)


def main() -> None:
    call_id = os.environ["CALL_ID"]
    client = AuthenticatedClient(base_url=os.environ["API_URL"], token=os.environ["API_KEY"])

    def read() -> Webhook:
        answer = get_webhook.sync(call_id, client=client)
        assert isinstance(answer, WebhookAnswer), answer
        return answer.data

    request = CreateRequest(call_ids=[call_id], webhook_url=os.environ["WEBHOOK_URL"])
    created = create_webhooks.sync(client=client, body=request, prefer="wait=20")
    assert isinstance(created, WebhooksAnswer), created
    webhook = created.data[0]
    first = read()
    listed = list_batch_webhooks.sync(
        webhook.batch_id, client=client, status=ListBatchWebhooksStatus.RETRYING, limit=10
    )
    assert isinstance(listed, WebhookPage), listed
    retried = retry_batch.sync(webhook.batch_id, client=client)
    assert isinstance(retried, BatchAnswer), retried
    last = first
    while last.status.value != "delivered":
        last = read()
    missing = get_webhook.sync("c-none", client=client)
    assert isinstance(missing, Failure), missing

    seen = {
        "created": webhook.status.value,
        "attempts": [attempt.response_code for attempt in first.metadata],
        "listed": [listed_webhook.call_id for listed_webhook in listed.data],
        "retried": retried.data.retrying,
        "delivered": [attempt.response_code for attempt in last.metadata],
        "missing": missing.errors[0].error.value,
    }
    print(json.dumps(seen))


main()
