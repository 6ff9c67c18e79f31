"""Bringing contacts back that were deleted or marked."""

from collections.abc import Sequence

import orjson
import pytest

from connections.destinations.campaign_monitor import error_codes, removal
from connections.destinations.values import BatchReceipt, Mark, ProfileRefusal, RefusalKind


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
    back = orjson.loads(removal.payload_without_mark(payload, Mark("[Left]", "")))
    assert back["CustomFields"] == expected


@pytest.mark.parametrize("spelled", ["ann@example.com", " Ann@Example.com", "other@example.com"])
def test_a_deleted_contact_is_sent_once_more_however_the_list_spells_the_address(spelled: str) -> None:
    refused = ProfileRefusal(spelled, RefusalKind.SUPPRESSED, str(error_codes.DELETED), "")
    sent: list[tuple[Sequence[str], bool]] = []

    def take(chosen: Sequence[str], *, resubscribe: bool) -> BatchReceipt:
        sent.append((chosen, resubscribe))
        refusals = [] if resubscribe else [refused]
        return BatchReceipt(0, len(chosen), refusals, http_status=201, seconds=0.0, bytes_sent=0)

    payload = orjson.dumps({"EmailAddress": "ann@example.com"}).decode()
    receipt = removal.readd_deleted(take, [payload])
    is_known = spelled != "other@example.com"
    assert sent == [([payload], False), *([([payload], True)] if is_known else [])]
    assert receipt.refusals == ([] if is_known else [refused])  # never taken for a success
