"""Signatures are those of the vendor's own library."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import time_machine
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from segments.sources.buckets.signature import SigningKey, encoded_path, encoded_query, signed_headers

MOMENT = datetime(2026, 11, 30, 9, 8, 7, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def signed_by_vendor(key: SigningKey, host: str, path: str, query: dict[str, str]) -> str:
    """Return the header that the vendor's library adds to the same request."""
    request = AWSRequest("GET", f"http://{host}{encoded_path(path)}", params=query)
    with time_machine.travel(MOMENT, tick=False):
        S3SigV4Auth(Credentials(key.access_key_id, key.secret_key), "s3", key.region).add_auth(request)
    return str(request.headers["Authorization"])


@given(TEXT, TEXT, st.dictionaries(TEXT, TEXT, max_size=4))
def test_it_is_the_signature_of_the_vendor(secret: str, key: str, query: dict[str, str]) -> None:
    signing = SigningKey("AKIAEXAMPLE", secret, "eu-central-1")
    path = f"/bucket/{key}"
    headers = signed_headers(signing, host="s3.example.com:9000", path=path, query=query, moment=MOMENT)
    assert headers["authorization"] == signed_by_vendor(signing, "s3.example.com:9000", path, query)


@given(TEXT)
def test_an_address_has_no_sign_that_means_something_else(key: str) -> None:
    parts = urlsplit(f"http://host{encoded_path(f'/{key}')}?{encoded_query({'prefix': key})}")
    assert (parts.fragment, parts.netloc) == ("", "host")
    assert parts.path == encoded_path(f"/{key}")


def test_parameters_are_sorted_and_spaces_are_not_plus_signs() -> None:
    assert encoded_query({"prefix": "a b/c", "list-type": "2"}) == "list-type=2&prefix=a%20b%2Fc"


def test_a_key_does_not_show_its_secret() -> None:
    assert "hidden" not in repr(SigningKey("AKIAEXAMPLE", "hidden", "eu-central-1"))
