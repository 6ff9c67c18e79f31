"""The server of a bucket is resolved once, internal ones are refused, and the connection goes to that address."""

import socket
from threading import Thread

import pytest
import requests
from pytest_django import Settings

from config.platform.checked_address import CheckedAddress
from segments.sources.buckets.address import server_of
from segments.sources.buckets.errors import BucketFailed


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let every name have one public address. Returns the names that are resolved."""
    names: list[str] = []

    def resolve(name: str, *_arguments: object, **_names: object) -> object:
        names.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return names


def test_without_an_endpoint_it_is_amazon_s3_in_the_region(asked: list[str]) -> None:
    server = server_of(endpoint="", region="eu-central-1", bucket="shop", is_path_style=True)
    assert (server.scheme, server.host, server.base_path) == ("https", "s3.eu-central-1.amazonaws.com", "/shop/")
    assert server.addresses == ("93.184.216.34",)
    server = server_of(endpoint="", region="", bucket="shop", is_path_style=False)
    assert (server.name, server.base_path) == ("shop.s3.us-east-1.amazonaws.com", "/")
    assert asked == ["s3.eu-central-1.amazonaws.com", "shop.s3.us-east-1.amazonaws.com"]


def test_the_header_has_the_port_and_the_certificate_has_not(asked: list[str]) -> None:
    server = server_of(endpoint="https://Storage.example.com:9000", region="", bucket="shop", is_path_style=True)
    assert (server.name, server.host) == ("storage.example.com", "storage.example.com:9000")


def test_the_name_with_the_bucket_is_checked_in_host_style(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a name of the attacker could lead into the internal network for one bucket only."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.9", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_names: found)
    settings.DATABASE_SOURCE_HOSTS = []
    with pytest.raises(BucketFailed, match=r"“shop\.storage\.example\.com” is in an internal network"):
        server_of(endpoint="https://storage.example.com", region="", bucket="shop", is_path_style=False)
    settings.DATABASE_SOURCE_HOSTS = ["storage.example.com"]
    server = server_of(endpoint="https://storage.example.com", region="", bucket="shop", is_path_style=False)
    assert server.addresses == ("10.0.0.9",)


@pytest.mark.parametrize("region", ["evil.example.com/", "a b", "a#", "a@b"])
def test_a_region_cannot_lead_to_another_host(asked: list[str], region: str) -> None:
    with pytest.raises(BucketFailed, match="Enter a region"):
        server_of(endpoint="", region=region, bucket="shop", is_path_style=True)
    assert asked == []


@pytest.mark.parametrize("bucket", ["", "a", "a/b", "evil.example.com/x", "-shop", "shop?", "x" * 64])
def test_a_bucket_cannot_lead_to_another_host(asked: list[str], bucket: str) -> None:
    with pytest.raises(BucketFailed, match="Enter the name of a bucket"):
        server_of(endpoint="", region="", bucket=bucket, is_path_style=False)
    assert asked == []


def test_the_connection_goes_to_the_checked_address_and_not_to_the_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        received: list[bytes] = []

        def answer() -> None:
            connection, _address = listening.accept()
            with connection:
                received.append(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

        Thread(target=answer, daemon=True).start()
        with requests.Session() as session:
            session.trust_env = False
            session.mount("http://", CheckedAddress("storage.invalid", "127.0.0.1"))
            host = f"storage.invalid:{port}"
            found = session.get(f"http://{host}/shop/", headers={"Host": host}, timeout=5)
    assert found.status_code == 204
    assert f"Host: {host}\r\n".encode() in received[0]
