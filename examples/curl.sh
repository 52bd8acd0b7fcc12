#!/bin/sh
# The HTTP API, one request after the other. `npm start` prints the URL, a key, and a sample call.
#   KEY=... CALL=... sh examples/curl.sh
set -eu

: "${URL:=http://127.0.0.1:8787}" "${WEBHOOK_URL:=https://example.com/hook}" "${BATCH:=}"

# Create a webhook for a call, and send it. The key makes it safe to repeat the request.
curl -sS -i "$URL/v1/postcall/webhooks/create" -H "authorization: $KEY" -H 'content-type: application/json' \
  -H "idempotency-key: first-$CALL" -H 'prefer: wait=10' \
  -d "{\"call_ids\": [\"$CALL\"], \"webhook_url\": \"$WEBHOOK_URL\"}"

# Send it again, to the same URL and with the same bytes.
curl -sS "$URL/v1/postcall/webhooks/resend" -H "authorization: $KEY" -H 'content-type: application/json' \
  -d "{\"call_ids\": [\"$CALL\"]}"

# The webhook, with every attempt.
curl -sS "$URL/v1/postcall/webhooks/$CALL" -H "authorization: $KEY"

# How a batch is getting on. BATCH is the last part of the Location header that create answered with.
curl -sS "$URL/v1/postcall/batches/$BATCH" -H "authorization: $KEY"

# The webhooks of a batch that wait for their next attempt.
curl -sS "$URL/v1/postcall/batches/$BATCH/webhooks?status=retrying&limit=100" -H "authorization: $KEY"

# Hold a batch back, and let it go on.
curl -sS -X POST "$URL/v1/postcall/batches/$BATCH/pause" -H "authorization: $KEY"
curl -sS -X POST "$URL/v1/postcall/batches/$BATCH/resume" -H "authorization: $KEY"

# Try every waiting call of a batch now, or only some.
curl -sS -X POST "$URL/v1/postcall/batches/$BATCH/retry" -H "authorization: $KEY"
curl -sS "$URL/v1/postcall/batches/$BATCH/retry" -H "authorization: $KEY" -H 'content-type: application/json' \
  -d "{\"call_ids\": [\"$CALL\"]}"

# Give up what has not been delivered.
curl -sS -X POST "$URL/v1/postcall/batches/$BATCH/cancel" -H "authorization: $KEY"

# What has failed for good in the last day, and send it again.
curl -sS "$URL/v1/postcall/failed?since=24h" -H "authorization: $KEY"
curl -sS "$URL/v1/postcall/failed/resend" -H "authorization: $KEY" -H 'content-type: application/json' -d '{"since": "24h"}'

# Which endpoints are down, since when, what waits for them, and when they are tried next.
curl -sS "$URL/v1/postcall/endpoints?state=down" -H "authorization: $KEY"

# Without a key: is it up, can it work, what does it do.
curl -sS "$URL/healthz"
curl -sS "$URL/readyz"
curl -sS "$URL/metrics"
curl -sS "$URL/openapi.json"
