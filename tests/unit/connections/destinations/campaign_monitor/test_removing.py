"""Taking a mark off who comes back."""

import orjson
import pytest

from connections.destinations.campaign_monitor import removing
from connections.destinations.values import Mark


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([], [{"Key": "[Left]", "Value": "", "Clear": True}]),
        ([{"Key": "[Left]", "Value": "", "Clear": True}], [{"Key": "[Left]", "Value": "", "Clear": True}]),
        # The field is mapped by now: what the profile has takes the place of the mark.
        ([{"Key": "[Left]", "Value": "Helsinki"}], [{"Key": "[Left]", "Value": "Helsinki"}]),
    ],
)
def test_it_clears_the_field_unless_something_else_fills_it(
    sent: list[dict[str, object]], expected: list[dict[str, object]]
) -> None:
    payload = orjson.dumps({"EmailAddress": "a@example.com", "CustomFields": sent}).decode()
    back = orjson.loads(removing.welcomed_back(payload, Mark("[Left]", "")))
    assert back["CustomFields"] == expected
