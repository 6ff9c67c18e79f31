"""Case 9: mobile numbers as people write them."""

import pytest

from exports.models import Export
from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox


def exported(account: RunningSandbox, number: str, **answers: str) -> tuple[int, str]:
    """How many contacts lack a value, and the number that the list holds of the one contact."""
    create_profiles([{"email": "ann@example.com", "mobile": number}])
    list_id = account.create_list("Numbers")
    exports.export_to(
        account,
        exports.sandbox_connection(account),
        exports.segment_of_everyone(),
        list_id=list_id,
        mapping=[{"attribute": "mobile", "field": "mobile_number"}],
    )
    answered = {"consent_to_track": "unchanged", "consent_to_send_sms": "yes"}
    Export.objects.update(answers=answered | answers)
    result = run_export()
    assert (result["delivered"], result["invalid"]) == (1, 0)
    (person,) = account.people(list_id)
    return int(result["incomplete"]), person.get("MobileNumber") or ""


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+358 40 123 4567", "+358401234567"),
        ("+1 (415) 555-2671", "+14155552671"),
    ],
)
def test_a_number_is_sent_in_international_form(account: RunningSandbox, written: str, sent: str) -> None:
    assert exported(account, written) == (0, sent)


@pytest.mark.parametrize(
    ("written", "country", "sent"),
    [("020 7946 0958", "GB", "+442079460958"), ("040 1234567", "FI", "+358401234567")],
)
def test_a_number_without_its_country_is_read_as_one_of_the_chosen_country(
    account: RunningSandbox, written: str, country: str, sent: str
) -> None:
    assert exported(account, written, mobile_country=country) == (0, sent)


def test_a_number_without_its_country_is_left_out_where_none_is_chosen(account: RunningSandbox) -> None:
    assert exported(account, "020 7946 0958") == (1, "")
