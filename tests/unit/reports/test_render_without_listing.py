"""The renderer may not list the bucket: to it a key that is missing is one that S3 forbids."""

from __future__ import annotations

from uuid import UUID

import pytest
from botocore.exceptions import ClientError

from render_pdf import handler as render

TENANT = UUID(int=1)
EVENT = {"source": f"{TENANT}/pages/{'0' * 64}.json", "target": f"{TENANT}/pdf/a.pdf"}


class Printing:
    """Prints whatever it is given."""

    def print(self, job: bytes) -> bytes:
        return job


class Forbidding:
    """S3 as it answers a role without s3:ListBucket about keys that are not there."""

    def head_object(self, **_: str) -> None:
        raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")

    def get_object(self, **_: str) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetObject")


def test_a_key_that_is_forbidden_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NYX_BUCKET", "bucket")
    monkeypatch.setattr(render, "_s3", Forbidding)
    monkeypatch.setattr(render, "_printer", Printing)
    with pytest.raises(render.PrintJobMissing):
        render.handler(dict(EVENT), None)
