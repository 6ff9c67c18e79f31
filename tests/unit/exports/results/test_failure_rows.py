"""Failure rows are matched to the contacts of their batch."""

import pytest

from connections.destinations.values import ProfileRefusal, RefusalKind
from exports.results.rejections import match_rows


def row(email: str) -> ProfileRefusal:
    return ProfileRefusal(email, RefusalKind.REJECTED, "1", "")


@pytest.mark.parametrize(
    "spelled",
    [
        "ann@bücher.example",
        "ann@xn--bcher-kva.example",
        "ANN@Bücher.example",
        " ann@bücher.example\u200b",
        "<ann@bücher.example>",
        "\ufeffann@bücher.example",
    ],
)
def test_other_spelling_of_an_address_is_matched(spelled: str) -> None:
    found = match_rows(["ann@bücher.example", "bo@example.com"], [row(spelled)])
    assert [refusal.email for refusal in found.refusals] == ["ann@bücher.example"]
    assert found.unmatched == 0


@pytest.mark.parametrize("email", ["", "eve@example.com", "ann"])
def test_row_that_names_no_contact_is_unmatched(email: str) -> None:
    found = match_rows(["ann@example.com"], [row(email)])
    assert (list(found.refusals), found.unmatched) == ([], 1)


def test_row_that_could_mean_two_contacts_is_unmatched() -> None:
    found = match_rows(["ann@example.com", "ann@example.com\u200b"], [row("Ann@example.com")])
    assert (list(found.refusals), found.unmatched) == ([], 1)


def test_contact_named_twice_is_refused_once() -> None:
    found = match_rows(["ann@example.com"], [row("ann@example.com"), row("ANN@example.com")])
    assert (len(found.refusals), found.unmatched) == (1, 0)
