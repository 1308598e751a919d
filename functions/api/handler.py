"""The Lambda function behind /api/v1/*: API Gateway's event in, the application's answer out."""

from __future__ import annotations

from mangum import Mangum

from api.app import app

# Everything that is not listed goes out as base64, which clients of a REST API cannot read.
_TEXT = ["text/", "application/json", "application/problem+json"]

handler = Mangum(app, lifespan="off", text_mime_types=_TEXT)
