"""The Lambda function behind /api/v1/*: API Gateway's event in, the application's answer out."""

from __future__ import annotations

import asyncio

from mangum import Mangum

from api.app import app

# Everything that is not listed goes out as base64, which clients of a REST API cannot read.
_TEXT = ["text/", "application/json", "application/problem+json"]

# Mangum asks for the thread's event loop, and Python makes none by itself any more.
asyncio.set_event_loop(asyncio.new_event_loop())

handler = Mangum(app, lifespan="off", text_mime_types=_TEXT)
