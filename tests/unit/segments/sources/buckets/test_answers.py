"""Pages of listings and errors are read, with a namespace and without."""

import pytest

from segments.sources.buckets.answers import BucketObject, failure_in, page_in, plain_etag
from segments.sources.buckets.errors import BucketFailed

NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@pytest.mark.parametrize("namespace", ["", NAMESPACE])
def test_a_page_has_objects_and_what_asks_for_the_next(namespace: str) -> None:
    page = page_in(
        f"<ListBucketResult{namespace}><IsTruncated>true</IsTruncated><NextContinuationToken>abc=</NextContinuationToken>"
        "<Contents><Key>in%2Fa+b%2Bc.csv</Key><ETag>&quot;1f-2&quot;</ETag><Size>7</Size></Contents>"
        "<CommonPrefixes><Prefix>in%2Fdeep%2F</Prefix></CommonPrefixes></ListBucketResult>".encode()
    )
    assert page.objects == [BucketObject("in/a b+c.csv", "1f-2", 7)]
    assert page.next_token == "abc="


def test_the_last_page_asks_for_no_other() -> None:
    assert page_in(b"<ListBucketResult/>").next_token == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"<html/>",
        b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key><ETag>1</ETag><Size>x</Size></Contents></ListBucketResult>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult/>',
    ],
)
def test_other_answers_are_refused(content: bytes) -> None:
    with pytest.raises(BucketFailed, match="no S3-compatible server"):
        page_in(content)


def test_an_error_is_told_by_its_code() -> None:
    failure = failure_in(404, f"<Error{NAMESPACE}><Code>NoSuchBucket</Code></Error>".encode(), is_listing=True)
    assert (failure.field, failure.is_temporary) == ("bucket", False)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_some_statuses_are_temporary(status: int) -> None:
    assert failure_in(status, b"", is_listing=True).is_temporary


@pytest.mark.parametrize("etag", ['"a-1"', 'W/"a-1"', "a-1", ' "a-1" '])
def test_an_etag_is_compared_without_quotes(etag: str) -> None:
    assert plain_etag(etag) == "a-1"
