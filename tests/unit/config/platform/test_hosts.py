"""Hosts that users enter are resolved, and internal ones refused unless a setting lists them."""

import socket
from collections.abc import Callable

import pytest

from config.platform.hosts import HostRefused, resolve_host

Resolves = Callable[..., None]


@pytest.fixture
def resolves(monkeypatch: pytest.MonkeyPatch) -> Resolves:
    """Let every name have these addresses."""

    def give(*addresses: str) -> None:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_names: found)

    return give


def test_it_returns_the_checked_addresses_ipv4_first(resolves: Resolves) -> None:
    resolves("2606:4700::1111", "93.184.216.34", "93.184.216.34")
    assert resolve_host("db.example.com", allowed=(), setting="HOSTS") == ["93.184.216.34", "2606:4700::1111"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_internal_addresses_are_refused_with_the_setting_that_allows_them(
    resolves: Resolves, address: str
) -> None:
    resolves(address)
    with pytest.raises(HostRefused, match=r"“db.example.com” is in an internal network.*HOSTS"):
        resolve_host("db.example.com", allowed=(), setting="HOSTS")


@pytest.mark.parametrize("listed", ["bücher.example.com", "BÜCHER.example.com.", "xn--bcher-kva.example.com"])
@pytest.mark.parametrize("host", ["bücher.example.com", "xn--bcher-kva.example.com"])
def test_an_internationalized_name_can_be_listed_in_both_forms(resolves: Resolves, listed: str, host: str) -> None:
    resolves("10.0.0.1")
    assert resolve_host(host, allowed=[listed], setting="HOSTS") == ["10.0.0.1"]


def test_one_internal_address_of_several_is_enough(resolves: Resolves) -> None:
    resolves("93.184.216.34", "10.0.0.1")
    with pytest.raises(HostRefused):
        resolve_host("db.example.com", allowed=(), setting="HOSTS")


@pytest.mark.parametrize("word", ["10.0.0.0/8", "10.0.0.1", "DB.example.com", "db.example.com."])
def test_a_setting_allows_names_addresses_and_networks(resolves: Resolves, word: str) -> None:
    resolves("10.0.0.1")
    assert resolve_host("db.example.com", allowed=["other.example.com", word], setting="HOSTS") == ["10.0.0.1"]


@pytest.mark.parametrize("word", ["192.168.0.0/16", "example.com", "10.0.0.0/99"])
def test_other_words_allow_nothing(resolves: Resolves, word: str) -> None:
    resolves("10.0.0.1")
    with pytest.raises(HostRefused):
        resolve_host("db.example.com", allowed=[word], setting="HOSTS")


@pytest.mark.parametrize("host", ["", "/var/run/postgresql", "a,b", "@socket", "a b", "a\\b"])
def test_what_is_no_name_is_refused_before_it_is_resolved(resolves: Resolves, host: str) -> None:
    resolves("93.184.216.34")
    with pytest.raises(HostRefused, match="is not a valid host name"):
        resolve_host(host, allowed=(), setting="HOSTS")


def test_a_name_that_cannot_be_resolved_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_names: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(HostRefused, match=r"“db.example.com” cannot be resolved"):
        resolve_host("db.example.com", allowed=(), setting="HOSTS")
