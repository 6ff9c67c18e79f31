"""Which of the contacts that are about to leave an export still wants on the list."""

from uuid import UUID

import pytest

from exports.models import DeliveredSet, Export, Outcome, OutcomeKind, Run, SyncedContact
from exports.selection import wants
from exports.selection.wants import Wanted
from exports.state.known_list import KnownList
from segments.models import Segment
from tests.support import exports
from tests.support.members import leave
from tests.support.profiles import create_profiles

pytestmark = pytest.mark.django_db

ANN, BO, CID = LEAVING = ["ann@example.com", "bo@example.com", "cid@example.com"]
NO_SEGMENTS: list[int] = []


@pytest.fixture
def segment(db: None) -> Segment:
    """A segment of Ann and Bo, not of Cid."""
    create_profiles([{"email": email, "work": f"work-{email}"} for email in LEAVING])
    everyone = exports.segment_of_everyone()
    leave(everyone, CID)
    return everyone


@pytest.fixture
def known(db: None) -> KnownList:
    """A list that holds Ann and Cid; the export wanted Ann in its last plan."""
    export = Export.objects.create(name="Newsletter", list_id="a" * 32, email_attribute="email")
    delivered_set = DeliveredSet.objects.create(export=export, account="sandbox", list_id="a" * 32)
    for email, unwanted_by in ((ANN, []), (CID, [export.pk])):
        SyncedContact.objects.create(
            list_state=delivered_set.list_state,
            email=email,
            data_hash=UUID(int=7),
            sent_by=export.pk,
            last_run_id=1,
            unwanted_by=unwanted_by,
        )
    return KnownList.of(delivered_set)


def test_an_export_wants_the_members_of_its_segments(segment: Segment) -> None:
    assert Wanted([segment.pk], "email").among([BO, CID, "dan@example.com"]) == {BO}


def test_it_wants_them_by_the_attribute_that_it_sends_to(segment: Segment) -> None:
    assert Wanted([segment.pk], "work").among([ANN, f"work-{ANN}"]) == {f"work-{ANN}"}


def test_members_that_its_plan_excluded_for_want_of_consent_are_not_wanted(segment: Segment) -> None:
    export = Export.objects.create(name="Newsletter", list_id="a" * 32, email_attribute="email")
    run = Run.objects.create(export=export, number=1, account="sandbox", list_id="a" * 32)
    Outcome.objects.create(run=run, email=ANN, kind=OutcomeKind.NO_CONSENT, code="no_consent", message="")
    assert Wanted([segment.pk], "email", excluded_in=run.pk).among(LEAVING) == {BO}


def test_an_export_that_cannot_be_evaluated_wants_the_contacts_of_its_last_plan(known: KnownList) -> None:
    assert Wanted(NO_SEGMENTS, "email", last=known).among(LEAVING) == {ANN}


def test_a_contact_stays_that_any_export_wants(segment: Segment, known: KnownList) -> None:
    others = [
        Wanted([segment.pk], "email"),
        Wanted(NO_SEGMENTS, "email", last=known),
        Wanted(NO_SEGMENTS, "email"),
    ]
    assert wants.wanted_among(LEAVING, others) == {ANN, BO}
    assert wants.wanted_among(LEAVING, []) == set()
