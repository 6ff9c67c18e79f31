"""Forwarded headers count only from the proxies that TRUSTED_PROXIES names."""

import logging
import os
import subprocess
import sys
from ipaddress import ip_network
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client, RequestFactory
from pytest_django import Settings

from config import environment
from config.logging import without_traceback
from config.platform.web.middleware import client_address, is_trusted_proxy

FORWARDED: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "203.0.113.9", "HTTP_X_FORWARDED_PROTO": "https"}


@pytest.fixture(autouse=True)
def _behind_a_proxy(settings: Settings) -> None:
    settings.HTTPS, settings.SECURE_SSL_REDIRECT = True, True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]


def test_a_named_proxy_is_believed(stranger_client: Client) -> None:
    assert stranger_client.get("/accounts/sign-in/", REMOTE_ADDR="10.1.2.3", **FORWARDED).status_code == 200


def test_forwarded_headers_of_other_addresses_are_ignored(stranger_client: Client) -> None:
    answer = stranger_client.get("/accounts/sign-in/", REMOTE_ADDR="192.0.2.1", **FORWARDED)
    assert answer["Location"].startswith("https://")


def test_the_address_is_the_last_one_that_is_no_proxy() -> None:
    chain: dict[str, Any] = {
        "HTTP_X_FORWARDED_FOR": "198.51.100.1, 203.0.113.9, 10.9.9.9",
        "REMOTE_ADDR": "10.1.2.3",
    }
    assert client_address(RequestFactory().get("/", **chain)) == "203.0.113.9"


@pytest.mark.parametrize(
    ("address", "trusted"), [("::ffff:10.0.0.1", True), ("11.0.0.1", False), ("unknown", False), ("", True)]
)
def test_it_compares_addresses_and_not_texts(address: str, trusted: bool) -> None:
    assert is_trusted_proxy(address) is trusted


def test_a_network_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "proxy.example.com")
    with pytest.raises(ImproperlyConfigured, match="TRUSTED_PROXIES must list addresses"):
        environment.networks("TRUSTED_PROXIES", "")


def test_a_foreign_host_writes_a_line_without_traceback(
    stranger_client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    answer = stranger_client.get(
        "/accounts/sign-in/", HTTP_HOST="evil.example", REMOTE_ADDR="10.1.2.3", **FORWARDED
    )
    assert answer.status_code == 400
    (found,) = [one for one in caplog.records if one.name == "django.security.DisallowedHost"]
    assert without_traceback(found)
    assert found.exc_info is None
    filters = [one for handler in logging.getLogger().handlers for one in handler.filters]
    assert without_traceback in filters


@pytest.mark.parametrize(
    ("name", "value", "said"), [("SECRET_KEY", "short", "SECRET_KEY"), ("DEBUG", "yes", "DEBUG")]
)
def test_pages_do_not_start_with_careless_settings(name: str, value: str, said: str) -> None:
    known = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", name: value}
    started = [sys.executable, "-c", "import config.wsgi; print('started')"]
    ended = subprocess.run(started, env=known, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert ended.stderr.startswith(name)
    assert "Traceback" not in ended.stderr
