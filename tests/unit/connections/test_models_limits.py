"""What a connection's limits forbid."""

from typing import Any

import pytest

from connections.models import Limits

SETTINGS: dict[str, Any] = {
    "list_id": "abc",
    "email_attribute": "email",
    "mapping": [{"attribute": "city", "field": "[City]"}, {"attribute": "Phone", "field": "[Phone]"}],
}


def parts(limits: Limits) -> list[tuple[str, str]]:
    return [(breach.part, breach.attribute) for breach in limits.breaches(**SETTINGS)]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), []),
        (Limits(lists=("ABC",)), []),
        (Limits(lists=("other",)), [("list_id", "")]),
        (Limits(withheld=("phone",)), [("mapping", "Phone")]),
        (Limits(withheld=("Email",)), [("email_attribute", "email")]),
        (Limits(allowed=("email", "city")), [("mapping", "Phone")]),
        (Limits(allowed=("email", "city", "phone"), withheld=("city",)), [("mapping", "city")]),
        (Limits(allowed=()), [("email_attribute", "email"), ("mapping", "city"), ("mapping", "Phone")]),
    ],
)
def test_it_names_every_breach(limits: Limits, expected: list[tuple[str, str]]) -> None:
    assert parts(limits) == expected


def test_it_comes_back_as_it_was_kept() -> None:
    limits = Limits(lists=("a",), withheld=("b",), allowed=("c",), required_attribute="d", most_people=5)
    assert Limits.kept(limits.keep()) == limits
    assert Limits.kept({}) == Limits()
    assert Limits.kept({"of_a_later_version": 1}) == Limits()
