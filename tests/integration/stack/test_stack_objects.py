"""S3 of the embedded stack: what is let in, and what is there again after a restart."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from stack_bench import BLUEPRINT, Trial

from nyx.stack import open_stack

BUCKET = "nyxcore"
LARGE = b"0123456789abcdef" * (1 << 16)  # 1 MiB


def presign(trial: Trial, operation: str, expires: int = 60, **parameters: Any) -> str:
    """A presigned link, as the product makes them."""
    url: str = trial.aws("s3").generate_presigned_url(
        operation, Params={"Bucket": BUCKET, **parameters}, ExpiresIn=expires
    )
    return url


def test_a_presigned_link_uploads_and_downloads(trial: Trial) -> None:
    put = presign(trial, "put_object", Key="t/up load.bin")
    assert httpx.put(put, content=LARGE).status_code == 200
    got = httpx.get(
        presign(
            trial,
            "get_object",
            Key="t/up load.bin",
            ResponseContentDisposition='attachment; filename="a b.bin"',
            ResponseContentType="application/x-test",
        )
    )
    assert got.content == LARGE
    assert got.headers["content-type"] == "application/x-test"
    assert got.headers["content-disposition"] == 'attachment; filename="a b.bin"'


def test_a_presigned_link_is_good_for_nothing_else(trial: Trial) -> None:
    trial.aws("s3").put_object(Bucket=BUCKET, Key="t/one", Body=b"one")
    trial.aws("s3").put_object(Bucket=BUCKET, Key="t/two", Body=b"two")
    link = presign(trial, "get_object", Key="t/one")
    assert httpx.get(link).content == b"one"
    for changed in (
        httpx.get(link.replace("t/one", "t/two")),
        httpx.delete(link),
        httpx.put(link, content=b"x"),
        httpx.get(link.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")),
        httpx.get(link[:-1] + ("0" if link[-1] != "0" else "1")),
    ):
        assert changed.status_code == 403
        assert "SignatureDoesNotMatch" in changed.text


def test_a_presigned_link_ends(trial: Trial) -> None:
    link = presign(trial, "get_object", Key="t/one", expires=1)
    time.sleep(1.1)
    late = httpx.get(link)
    assert late.status_code == 403
    assert "Request has expired" in late.text


def test_a_request_without_a_signature_is_refused(trial: Trial) -> None:
    link = presign(trial, "get_object", Key="t/one").partition("?")[0]
    assert httpx.get(link).status_code == 403
    assert httpx.get(link.rpartition("/t/")[0]).status_code == 403
    assert httpx.post(f"{link.partition('/nyxcore')[0]}/moto-api/reset").status_code == 403


def test_a_signed_length_binds_the_upload(trial: Trial) -> None:
    link = presign(trial, "put_object", Key="t/length", ContentLength=3)
    assert httpx.put(link, content=b"four").status_code == 403
    assert httpx.put(link, content=b"abc").status_code == 200


def test_a_signed_checksum_binds_the_upload(trial: Trial) -> None:
    checksum = base64.b64encode(hashlib.sha256(b"right").digest()).decode()
    link = presign(trial, "put_object", Key="t/sum", ChecksumSHA256=checksum)
    headers = {"x-amz-checksum-sha256": checksum}
    wrong = httpx.put(link, content=b"wrong", headers=headers)
    assert wrong.status_code == 400
    assert "BadDigest" in wrong.text
    other = base64.b64encode(hashlib.sha256(b"wrong").digest()).decode()
    assert httpx.put(link, content=b"wrong", headers={"x-amz-checksum-sha256": other}).status_code in {
        400,
        403,
    }
    with pytest.raises(ClientError, match="404"):
        trial.aws("s3").head_object(Bucket=BUCKET, Key="t/sum")
    assert httpx.put(link, content=b"right", headers=headers).status_code == 200


def test_whoever_holds_a_link_cannot_add_a_tag_to_it(trial: Trial) -> None:
    link = presign(trial, "put_object", Key="t/tagged")
    refused = httpx.put(link, content=b"x", headers={"x-amz-tagging": "retention=1d"})
    assert refused.status_code == 403
    assert "x-amz-tagging" in refused.text


def test_a_body_of_unknown_length_is_refused(trial: Trial) -> None:
    link = presign(trial, "put_object", Key="t/chunked")
    assert httpx.put(link, content=iter([b"a", b"b"])).status_code == 411


def test_a_page_may_upload_to_a_link(trial: Trial) -> None:
    link = presign(trial, "put_object", Key="t/page")
    asked = httpx.options(
        link, headers={"Origin": "http://app.example", "Access-Control-Request-Method": "PUT"}
    )
    assert asked.status_code == 204
    assert "PUT" in asked.headers["access-control-allow-methods"]
    done = httpx.put(link, content=b"x", headers={"Origin": "http://app.example"})
    assert done.headers["access-control-allow-origin"] in {"*", "http://app.example"}


def test_objects_are_there_again_after_a_restart_and_old_packs_are_not(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_stack(home, on_status=lambda _: None, blueprint=BLUEPRINT, environment={}) as stack:
        s3 = Trial(stack, home, tmp_path).aws("s3")
        s3.put_object(
            Bucket=BUCKET, Key="t/ü/kept.bin", Body=LARGE, ContentType="text/x", Metadata={"a": "b"}
        )
        s3.put_object(Bucket=BUCKET, Key="t/empty", Body=b"")
        s3.put_object(Bucket=BUCKET, Key="t/over", Body=b"first")
        s3.put_object(Bucket=BUCKET, Key="t/over", Body=b"second")
        s3.put_object(Bucket=BUCKET, Key="t/gone", Body=b"x")
        s3.put_object(Bucket=BUCKET, Key="t/swept", Body=b"x")
        s3.put_object(Bucket=BUCKET, Key="t/pack", Body=b"x", Tagging="retention=1d")
        s3.put_object(Bucket=BUCKET, Key="t/old pack", Body=b"x", Tagging="retention=1d")
        s3.delete_object(Bucket=BUCKET, Key="t/gone")
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": "t/swept"}]})
        before = s3.head_object(Bucket=BUCKET, Key="t/ü/kept.bin")
    age(home, "t/old pack")
    with open_stack(home, on_status=lambda _: None, blueprint=BLUEPRINT, environment={}) as stack:
        s3 = Trial(stack, home, tmp_path).aws("s3")
        kept = s3.get_object(Bucket=BUCKET, Key="t/ü/kept.bin")
        assert kept["Body"].read() == LARGE
        assert (kept["ContentType"], kept["Metadata"], kept["ETag"]) == ("text/x", {"a": "b"}, before["ETag"])
        assert kept["LastModified"] == before["LastModified"]
        assert s3.get_object(Bucket=BUCKET, Key="t/empty")["Body"].read() == b""
        assert s3.get_object(Bucket=BUCKET, Key="t/over")["Body"].read() == b"second"
        tags = s3.get_object_tagging(Bucket=BUCKET, Key="t/pack")["TagSet"]
        assert tags == [{"Key": "retention", "Value": "1d"}]
        listed = [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
        assert listed == ["t/empty", "t/over", "t/pack", "t/ü/kept.bin"]
        assert len(list((home / "objects" / "data").iterdir())) == 3  # the empty one has no bytes


def age(home: Path, key: str) -> None:
    """Let an object of a stopped stack be two days old."""
    for path in (home / "objects" / "index").iterdir():
        told = json.loads(path.read_text())
        if told["key"] == key:
            told["modified"] = "2020-01-01T00:00:00"
            path.write_text(json.dumps(told))
            return
    raise AssertionError(f"no object {key}")
