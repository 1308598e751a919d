"""S3 inside the process of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto import mock_aws

from nyxcore.settings import settings
from nyxcore.storage import objects


@contextmanager
def memory_s3(patch: pytest.MonkeyPatch, *caches: Any) -> Iterator[None]:
    """moto's S3 with the bucket of the settings that the environment holds now.

    `caches` are emptied before and after, as those of the settings and of the client are.
    """
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "test")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    caches = (settings, objects.client, *caches)
    for cached in caches:
        cached.cache_clear()
    with mock_aws():
        objects.client().create_bucket(Bucket=settings().bucket)
        yield
    for cached in caches:
        cached.cache_clear()
