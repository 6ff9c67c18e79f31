"""Why contacts would be removed, and which segment they have left, before a user confirms it."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from exports.actions import preview
from exports.models import Export, Outcome, OutcomeKind, Removal
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.members import CROWD
from tests.support.profiles import change_attribute, create_profiles, delete_profiles
from tests.support.sandbox import RunningSandbox
from tests.support.summaries import check_pages

_VIP = {"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Oslo"}]}


@pytest.fixture
def vips(account: RunningSandbox, alice: User) -> Export:
    """An export of twenty customers of Oslo, who are on the list; contacts who leave are deleted."""
    create_profiles([{"email": email, "first_name": email[:3], "city": "Oslo"} for email in CROWD])
    segment = exports.segment_of_everyone("Oslo", rules=_VIP)
    list_id = account.create_list("Shop", scope="OnlyThisList")
    export = exports.export_to(account, exports.sandbox_connection(account, by=alice), segment, list_id=list_id)
    Export.objects.update(removal=Removal.DELETE)
    export.refresh_from_db()
    run_to_its_end(export)
    return export


def reasons(export: Export) -> dict[str, tuple[str, str]]:
    """Map each contact that would be removed to the code and the segment."""
    run = export.runs.latest("pk")
    rows = Outcome.objects.filter(run=run, kind=OutcomeKind.TO_REMOVE)
    return {email: (code, segment) for email, code, segment in rows.values_list("email", "code", "segment")}


def refresh(segment: Segment) -> None:
    exports.segment_of_everyone(segment.name, rules=_VIP)


def test_the_segment_that_was_left_is_named(vips: Export, alice_client: Client) -> None:
    change_attribute(CROWD[:15], "city", "Rome")
    refresh(vips.segments.get())
    run = run_to_its_end(vips)
    assert run.removals_held == 15
    assert reasons(vips) == dict.fromkeys(CROWD[:15], ("not_in_any_segment", "Oslo"))
    shown = alice_client.get(f"/data/runs/{run.pk}/").content.decode()
    banner = shown[shown.index("run-reason") : shown.index("metrics")]
    assert 'id="confirm-removals"' in banner
    assert "kind=awaiting_confirmation&amp;code=not_in_any_segment&amp;segment=Oslo" in shown
    check_pages(run, alice_client)


def test_a_deleted_profile_is_named_as_the_reason(vips: Export) -> None:
    delete_profiles(*CROWD[:15])
    refresh(vips.segments.get())
    run_to_its_end(vips)
    assert {code for code, _segment in reasons(vips).values()} == {"no_profile"}


def test_a_segment_that_the_export_no_longer_uses_is_named(vips: Export) -> None:
    create_profiles([{"email": "new@example.com", "city": "Bonn"}])
    bonn = {"join": "and", "rules": [{"attribute": "city", "operator": "is", "value": "Bonn"}]}
    vips.segments.set([exports.segment_of_everyone("Bonn", rules=bonn)])
    run_to_its_end(vips)
    assert reasons(vips) == dict.fromkeys(CROWD, ("segment_not_used", "Oslo"))


def test_a_segment_that_the_export_no_longer_uses_is_named_before_one_that_was_left(vips: Export) -> None:
    change_attribute(CROWD, "first_name", "Ada")
    named = {"join": "and", "rules": [{"attribute": "first_name", "operator": "is", "value": "Ada"}]}
    adas = exports.segment_of_everyone("Adas", rules=named)
    vips.segments.add(adas)
    run_to_its_end(vips)
    vips.segments.set([adas])
    change_attribute(CROWD[:15], "first_name", "Bea")
    exports.segment_of_everyone("Adas", rules=named)
    run_to_its_end(vips)
    assert reasons(vips) == dict.fromkeys(CROWD[:15], ("segment_not_used", "Oslo"))


def test_a_preview_lists_all_contacts_to_remove_with_reason_and_segment(
    vips: Export, alice: User, alice_client: Client
) -> None:
    change_attribute(CROWD[:15], "city", "Rome")
    refresh(vips.segments.get())
    preview.work_out(preview.request(vips, by=alice).pk)
    address = f"/data/exports/{vips.pk}/preview/contacts/?kind=awaiting_confirmation"
    shown = alice_client.get(address).content.decode()
    assert 'data-total="15"' in shown
    assert "No longer a member of any segment of this export." in shown
    assert "Segment: Oslo" in shown
