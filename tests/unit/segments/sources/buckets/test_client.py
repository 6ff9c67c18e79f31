"""Buckets are read over the checked address, with signed requests, patiently, and never in part."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from segments.sources.buckets import client as client_module
from segments.sources.buckets.address import server_of
from segments.sources.buckets.answers import BucketObject
from segments.sources.buckets.client import BucketClient
from segments.sources.buckets.errors import BucketFailed, ObjectChanged
from segments.sources.buckets.signature import SigningKey
from tests.support.answering import answering
from tests.support.foreign_mariadb import write_certificate

EMPTY = b"<ListBucketResult/>"
KEY = SigningKey("AKIAEXAMPLE", "secret", "us-east-1")


@pytest.fixture(autouse=True)
def loopback(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow servers of this machine, and wait less between two requests."""
    settings.DATABASE_SOURCE_HOSTS = ["127.0.0.0/8"]
    settings.DATABASE_SOURCE_CA = ""
    monkeypatch.setattr(client_module, "_WAITS", (0.01, 0.01))


@contextmanager
def reading(
    endpoint: str, *, key: SigningKey | None = KEY, seconds: float = 20, **options: Any
) -> Iterator[BucketClient]:
    server = server_of(endpoint=endpoint, region="", bucket="shop", is_path_style=True)
    with BucketClient(server, key, seconds=seconds, **options) as client:
        yield client


def listed(endpoint: str, **options: Any) -> list[BucketObject]:
    """List the bucket to its end."""
    with reading(endpoint, **options) as client:
        return list(client.objects("in/", is_deep=False))


def download(endpoint: str, target: Path) -> None:
    """Download the object in/a.csv, which has been listed with the ETag a-1."""
    with reading(endpoint) as client:
        client.download("in/a.csv", "a-1", target, most_bytes=1_000)


def test_requests_are_signed_only_with_a_key() -> None:
    with answering((200, EMPTY)) as server:
        assert [listed(server.endpoint, key=key) for key in (KEY, None)] == [[], []]
    signed, public = server.asked
    assert signed["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
    assert "authorization" not in public
    assert signed["host"] == f"127.0.0.1:{server.port}"


def test_temporary_trouble_is_waited_out() -> None:
    with answering((503, b""), (500, b""), (200, EMPTY)) as server:
        assert listed(server.endpoint) == []
    assert len(server.asked) == 3


@pytest.mark.parametrize(("is_patient", "requests"), [(True, 3), (False, 1)])
def test_it_gives_up_after_three_requests_and_at_once_where_a_user_waits(is_patient: bool, requests: int) -> None:
    with answering((503, b"")) as server, pytest.raises(BucketFailed) as failure:
        listed(server.endpoint, is_patient=is_patient)
    assert (failure.value.is_temporary, len(server.asked)) == (True, requests)


def test_a_refusal_is_not_repeated() -> None:
    with answering((403, b"")) as server, pytest.raises(BucketFailed):
        listed(server.endpoint)
    assert len(server.asked) == 1


def test_it_stops_when_its_time_is_over() -> None:
    page = b"<ListBucketResult><NextContinuationToken>more</NextContinuationToken></ListBucketResult>"
    with answering((200, page)) as server, pytest.raises(BucketFailed, match="could not be read within"):
        listed(server.endpoint, seconds=0.2)


def test_it_stops_when_the_caller_does() -> None:
    class Stopped(Exception):
        pass

    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        listed("http://127.0.0.1:9", check=stop)


def test_a_download_asks_for_the_version_that_was_listed(tmp_path: Path) -> None:
    with answering((200, b"id\n1\n"), headers={"ETag": '"a-1"'}) as server:
        download(server.endpoint, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"id\n1\n"
    assert (server.asked[0]["if-match"], server.asked[0]["accept-encoding"]) == ('"a-1"', "identity")


@pytest.mark.parametrize("status", [404, 412])
def test_a_changed_object_is_told_from_a_failure(tmp_path: Path, status: int) -> None:
    with answering((status, b"")) as server, pytest.raises(ObjectChanged):
        download(server.endpoint, tmp_path / "a")


def test_a_server_that_does_not_compare_etags_is_noticed(tmp_path: Path) -> None:
    with answering((200, b"id\n"), headers={"ETag": '"b"'}) as server, pytest.raises(ObjectChanged):
        download(server.endpoint, tmp_path / "a")


def test_a_download_that_breaks_off_is_a_failure(tmp_path: Path) -> None:
    headers = {"ETag": '"a-1"', "Content-Length": "100"}
    with answering((200, b"id\n"), headers=headers) as server, pytest.raises(BucketFailed) as failure:
        download(server.endpoint, tmp_path / "a")
    assert ("was lost" in str(failure.value), failure.value.is_temporary) == (True, True)


def test_the_certificate_is_verified_under_the_name(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_certificate(tmp_path)  # for localhost
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _name, *rest, **named: resolve("127.0.0.1", *rest, **named))
    with answering((200, EMPTY), certified_by=tmp_path) as server:
        with pytest.raises(BucketFailed, match="The certificate of the server cannot be verified"):
            listed(f"https://localhost:{server.port}")
        settings.DATABASE_SOURCE_CA = str(tmp_path / "server.crt")
        with pytest.raises(BucketFailed, match="The certificate of the server cannot be verified"):
            listed(f"https://another.example.com:{server.port}")
        assert server.asked == []
        assert listed(f"https://localhost:{server.port}") == []
