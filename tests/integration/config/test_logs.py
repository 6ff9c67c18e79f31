"""What goes wrong is told in the log, with secrets struck out."""

import logging

import pytest
from django.test import Client

from config.logging import Formatter


def test_it_is_the_log_that_django_set_up() -> None:
    formatters = [handler.formatter for handler in logging.getLogger().handlers]
    assert any(isinstance(formatter, Formatter) for formatter in formatters)


@pytest.mark.django_db
def test_it_tells_of_a_page_that_broke(
    alice_client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("in the middle of a page")

    monkeypatch.setattr("exports.views.listing.list_page", broken)
    alice_client.raise_request_exception = False
    assert alice_client.get("/data/exports/").status_code == 500
    assert "in the middle of a page" in caplog.text
