"""The exclusion segment: no export sends its members, or other profiles with their addresses."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from exports.models import Export, OutcomeKind, Removal, Run
from exports.results import summary
from segments import actions, refresh_job
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def refreshed(segment: Segment) -> Segment:
    refresh_job.run_refresh(actions.request_refresh(segment, by=None, wake_worker=False).pk)
    segment.refresh_from_db()
    return segment


@pytest.fixture
def staff(newsletter: Export, alice: User) -> Segment:
    """Its member Ann is in another data source than the Ann of the export."""
    create_profiles([{"id": "S1", "email": " ANN@example.com", "team": "Sales"}], source="Staff")
    rules = {"join": "and", "rules": [{"attribute": "team", "operator": "has_value"}]}
    return refreshed(actions.create_segment(name="Staff", rules_tree=rules, by=alice, wake_worker=False))


def counts(run: Run) -> dict[str, int]:
    return summary.of_run(run).as_numbers()


def test_its_members_are_excluded_by_address_with_the_reason(
    newsletter: Export, staff: Segment, alice: User, account: RunningSandbox
) -> None:
    actions.use_as_exclusion(staff, by=alice)
    run = run_to_its_end(newsletter)
    assert run.excluded_by_segment > 0
    assert run.members == summary.of_run(run).members
    assert "ann@example.com" not in account.received()
    outcome = run.outcomes.filter(kind=OutcomeKind.EXCLUSION).first()
    assert outcome is not None
    assert outcome.email == "ann@example.com"


def test_a_contact_that_joins_it_leaves_the_list(
    newsletter: Export, staff: Segment, alice: User, account: RunningSandbox
) -> None:
    newsletter.removal = Removal.DELETE
    newsletter.save()
    run_to_its_end(newsletter)
    assert "ann@example.com" in account.received()
    actions.use_as_exclusion(staff, by=alice)
    run = run_to_its_end(newsletter)
    assert (run.excluded_by_segment, run.removed) == (1, 1)


def test_contacts_are_sent_again_when_it_ends(
    newsletter: Export, staff: Segment, alice: User, account: RunningSandbox
) -> None:
    actions.use_as_exclusion(staff, by=alice)
    run_to_its_end(newsletter)
    actions.stop_exclusion(staff, by=alice)
    assert run_to_its_end(newsletter).excluded_by_segment == 0
    assert "ann@example.com" in account.received()


def test_only_administrators_choose_it(staff: Segment, bob: User) -> None:
    with pytest.raises(PermissionDenied):
        actions.use_as_exclusion(staff, by=bob)


def test_there_is_one_and_it_cannot_be_removed(staff: Segment, everyone: Segment, alice: User) -> None:
    actions.use_as_exclusion(refreshed(everyone), by=alice)
    actions.use_as_exclusion(staff, by=alice)
    assert list(Segment.objects.filter(is_exclusion=True)) == [staff]
    assert AuditEntry.objects.filter(action="made_exclusion").count() == 2
    with pytest.raises(actions.IsExclusion):
        actions.remove_segment(staff, by=alice)
    actions.stop_exclusion(staff, by=alice)
    actions.remove_segment(staff, by=alice)


def test_a_segment_that_was_never_refreshed_cannot_be_it(everyone: Segment, alice: User) -> None:
    new = actions.create_segment(name="New", rules_tree={}, by=alice, wake_worker=False)
    with pytest.raises(actions.NotRefreshed):
        actions.use_as_exclusion(new, by=alice)


def test_administrators_choose_it_on_the_page_of_the_segment(
    staff: Segment, alice_client: Client, bob_client: Client
) -> None:
    page, url = f"/segments/{staff.pk}/", f"/segments/{staff.pk}/exclude/"
    assert "Use as exclusion segment" not in bob_client.get(page).content.decode()
    assert "No export sends its 1 member" in alice_client.get(url).content.decode()
    alice_client.post(url)
    assert "This is the exclusion segment." in bob_client.get(page).content.decode()
    assert "Exclusion segment" in bob_client.get("/segments/").content.decode()
    alice_client.post(f"/segments/{staff.pk}/stop-excluding/")
    assert not Segment.objects.filter(is_exclusion=True).exists()
