"""The Lambda function around the printer: which keys it takes, what it leaves in the bucket, how it fails."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from print_jobs import CHROMIUM, figure, job, page

from nyxpdf.errors import BrowserFailed, InvalidJob, RenderError
from render_pdf import handler as function

TENANT, OTHER = "019302b4-7c00-7000-8000-000000000001", "019302b4-7c00-7000-8000-00000000000f"
DIGEST = hashlib.sha256(b"job").hexdigest()
EVENT: dict[str, object] = {
    "source": f"{TENANT}/pages/{DIGEST}.json",
    "target": f"{TENANT}/pdf/{DIGEST}.pdf",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A bucket of the test's own, which the function is told of."""
    name = f"b{abs(hash(request.node.name))}"
    for variable, value in {
        "NYX_BUCKET": name,
        "NYX_AWS_ENDPOINT_URL": endpoint,
        "NYX_CHROMIUM": str(CHROMIUM),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(variable, value)
    function._s3.cache_clear()
    made = boto3.resource("s3", endpoint_url=endpoint).Bucket(name)
    made.create()
    yield made
    function._printer().close()
    function._printer.cache_clear()
    function._s3.cache_clear()


def put(bucket: Any, data: bytes) -> None:
    bucket.put_object(Key=EVENT["source"], Body=data)


def test_a_print_job_becomes_a_pdf_and_its_page_beside_it(bucket: Any) -> None:
    put(bucket, job(page(f"<h1>Words</h1>{figure(0)}"), ("graph TD\n A --> B",)))
    answer = function.handler(EVENT, None)
    pdf = bucket.Object(EVENT["target"])
    assert answer == {"pages": 1, "bytes": pdf.content_length}
    assert pdf.content_type == "application/pdf"
    assert pdf.get()["Body"].read().startswith(b"%PDF-")
    drawn = bucket.Object(str(EVENT["target"]).replace(".pdf", ".html"))
    assert drawn.content_type == "text/html; charset=utf-8"
    assert b'src="data:image/svg+xml' in drawn.get()["Body"].read()
    for each in (pdf, drawn):
        tags = bucket.meta.client.get_object_tagging(Bucket=bucket.name, Key=each.key)["TagSet"]
        assert tags == [{"Key": "retention", "Value": "30d"}]


def test_what_is_there_already_is_not_printed_again(bucket: Any) -> None:
    put(bucket, job(page("<p>x</p>")))
    first = function.handler(EVENT, None)
    bucket.Object(EVENT["source"]).delete()
    assert function.handler(EVENT, None) == first


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"source": EVENT["source"]},
        {**EVENT, "target": f"{OTHER}/pdf/{DIGEST}.pdf"},
        {**EVENT, "source": f"{TENANT}/runs/{DIGEST}.json"},
        {**EVENT, "source": f"{TENANT}/pages/../runs/{DIGEST}.json"},
        {**EVENT, "source": f"/{EVENT['source']}"},
        {**EVENT, "source": f"{EVENT['source']}\n"},
        {**EVENT, "target": f"{TENANT}/pdf/../runs/x.pdf"},
        {**EVENT, "target": f"{TENANT}/pages/{DIGEST}.pdf"},
        {**EVENT, "target": f"{TENANT}/pdf/a/b.pdf"},
        {**EVENT, "target": f"{TENANT}/pdf/x.html"},
        {"source": f"acme/pages/{DIGEST}.json", "target": f"acme/pdf/{DIGEST}.pdf"},
    ],
)
def test_other_keys_are_refused_before_anything_is_read(event: dict[str, object]) -> None:
    with pytest.raises(function.KeyRefused, match="both of one tenant"):
        function.handler(event, None)


def test_a_job_that_is_not_there_says_so(bucket: Any) -> None:
    with pytest.raises(function.PrintJobMissing, match=DIGEST):
        function.handler(EVENT, None)


def test_a_broken_job_leaves_nothing_and_the_next_one_is_printed(bucket: Any) -> None:
    put(bucket, b"{")
    with pytest.raises(InvalidJob):
        function.handler(EVENT, None)
    assert [each.key for each in bucket.objects.all()] == [EVENT["source"]]
    put(bucket, job(page("<p>x</p>")))
    assert function.handler(EVENT, None)["pages"] == 1


def test_what_is_logged_names_keys_and_numbers_and_nothing_of_the_document(
    bucket: Any, caplog: pytest.LogCaptureFixture
) -> None:
    put(bucket, job(page("<p>CONFIDENTIAL</p>", title="CONFIDENTIAL")))
    function.handler(EVENT, None)
    put(bucket, b'{"html": "CONFIDENTIAL"}')
    bucket.Object(EVENT["target"]).delete()
    with caplog.at_level(logging.DEBUG, "nyxpdf"), pytest.raises(InvalidJob):
        function.handler(EVENT, None)
    written = [str(record.__dict__) for record in caplog.records if record.name == "nyxpdf"]
    assert len(written) == 2
    assert not any("CONFIDENTIAL" in line for line in written)
    assert "'pages': 1" in written[0]
    assert "'code': 'invalid_print_job'" in written[1]


def test_only_a_failed_browser_is_worth_a_retry() -> None:
    errors: set[type[RenderError]] = set()
    waiting = [RenderError]
    while waiting:
        errors.add(kind := waiting.pop())
        waiting += kind.__subclasses__()
    assert {error for error in errors if error.retryable} == {
        kind for kind in errors if issubclass(kind, BrowserFailed)
    }
    assert len({error.code for error in errors if error is not BrowserFailed}) >= 8
