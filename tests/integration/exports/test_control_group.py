"""Control groups: a share of the contacts of an export, held out or marked in a field, stable by address."""

from dataclasses import replace
from random import Random

import pytest
from django.db import connection as database
from django.db import transaction

from config.platform.accounts.models import User
from config.platform.jobs import clock
from config.platform.text.address_share import AddressShare
from connections import lookups
from connections.models import Connection
from exports.actions import manage, retries, runs
from exports.models import ControlMode, DeliveredSet, Export, OutcomeKind, Removal, Run
from exports.models.snapshot import RunOptions
from exports.policies import Refusal
from exports.preview import dry_run, send_test
from exports.removal import removal_plan
from exports.reporting.breakdown import result_sections
from exports.results import summary
from exports.run import pipeline
from exports.selection import diff, wants
from exports.state import run_settings
from exports.state.known_list import KnownList
from segments.models import Segment
from tests.support import exports
from tests.support.members import CROWD, adds_up, crowd_of, leave, states
from tests.support.profiles import create_profiles
from tests.support.removals import export_of, run
from tests.support.sandbox import RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]

# With this salt, three of the twenty are in a control group of 10 %, five of 20 %.
SALT = "1f"


def group_of(percentage: int, salt: str = SALT) -> set[str]:
    return {email for email in CROWD if AddressShare(salt, percentage).contains(email)}


def hold_out(export: Export, percentage: int, salt: str = SALT) -> None:
    change(export, control_mode=ControlMode.HOLD_OUT, control_percentage=percentage, control_salt=salt)


def write_to_field(export: Export, percentage: int, field: str = "[Group]") -> None:
    change(
        export,
        control_mode=ControlMode.FIELD,
        control_percentage=percentage,
        control_salt=SALT,
        control_field=field,
    )


def change(export: Export, **values: object) -> None:
    Export.objects.filter(pk=export.pk).update(**values, version=export.version + 1)
    export.refresh_from_db()


def carried_on(started: Run) -> Run:
    """Work on a run until it has ended."""
    while started.is_open:
        pipeline.run_slice(started.pk)
        started.refresh_from_db()
    assert adds_up(started)
    return started


def active(account: RunningSandbox, export: Export) -> set[str]:
    return {email for email, state in states(account, export.list_id).items() if state == "Active"}


def test_the_groups_of_the_twenty_are_neither_empty_nor_equal() -> None:
    assert 0 < len(group_of(10)) < len(group_of(20)) < len(group_of(50)) < len(CROWD)


def test_the_control_group_is_held_out_with_a_reason_of_its_own(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    hold_out(export, 20)
    ended = run(export)
    assert active(account, export) == set(CROWD) - group_of(20)
    assert ended.held_out == len(group_of(20))
    assert summary.of_run(ended).control == ended.held_out
    held_out = ended.outcomes.filter(kind=OutcomeKind.CONTROL)
    assert set(held_out.values_list("email", "code")) == {(email, "control_group") for email in group_of(20)}
    excluded = result_sections(ended)[-1]
    assert (excluded.people, [group.kind.value for group in excluded.groups]) == (ended.held_out, ["control"])


def test_a_contact_of_the_control_group_is_removed_by_the_policy_of_the_export(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    hold_out(export, 10)
    preview = dry_run.preview(export)
    assert preview.removals.to_remove == len(group_of(10))
    assert set(preview.leaving) == group_of(10)
    ended = run(export)
    assert (ended.held_out, ended.removed) == (len(group_of(10)), len(group_of(10)))
    assert active(account, export) == set(CROWD) - group_of(10)
    assert run(export).to_remove == 0


def test_contacts_that_are_kept_on_the_list_are_not_updated_while_held_out(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    run(export)
    hold_out(export, 20)
    change(export, mapping=[])
    ended = run(export)
    assert (ended.delivered, ended.held_out) == (20 - len(group_of(20)), len(group_of(20)))
    assert active(account, export) == set(CROWD)


def test_a_larger_percentage_adds_contacts_and_a_smaller_one_sends_them_again(
    account: RunningSandbox, crowd: Segment
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    hold_out(export, 10)
    run(export)
    hold_out(export, 20)
    assert run(export).removed == len(group_of(20) - group_of(10))
    assert active(account, export) == set(CROWD) - group_of(20)
    hold_out(export, 10)
    ended = run(export)
    assert (ended.delivered, ended.removed) == (len(group_of(20) - group_of(10)), 0)
    change(export, control_mode=ControlMode.OFF)
    assert run(export).delivered == len(group_of(10))
    assert active(account, export) == set(CROWD)


def test_a_large_control_group_awaits_confirmation_like_other_removals(
    account: RunningSandbox, crowd: Segment
) -> None:
    crowd_of(many := [f"m{n:03}@example.com" for n in range(130)])
    export = export_of(account, exports.segment_of_everyone("Many"), Removal.DELETE)
    run(export)
    hold_out(export, 50)
    expected = {email for email in [*many, *CROWD] if AddressShare(SALT, 50).contains(email)}
    assert dry_run.preview(export).removals.removal_guard == removal_plan.RemovalGuard.MANY
    ended = run(export)
    assert (ended.removed, ended.removals_held) == (0, len(expected))
    awaiting = ended.outcomes.filter(kind=OutcomeKind.TO_REMOVE)
    assert set(awaiting.values_list("email", "code")) == {(email, "control_group") for email in expected}


def test_subscribers_that_were_on_the_list_before_are_not_removed(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.UNSUBSCRIBE)
    account.import_people([{"EmailAddress": email} for email in CROWD], export.list_id)
    run(export)
    hold_out(export, 20)
    assert run(export).to_remove == 0
    assert active(account, export) == set(CROWD)


def test_a_field_of_the_list_says_who_is_in_the_control_group(account: RunningSandbox, crowd: Segment) -> None:
    export = field_export(account, crowd)
    write_to_field(export, 10)
    ended = run(export)
    assert (ended.delivered, ended.held_out) == (20, 0)
    assert groups(account, export) == {
        email: "Control" if email in group_of(10) else "Treatment" for email in CROWD
    }
    assert run(export).unchanged == 20
    write_to_field(export, 20)
    assert run(export).delivered == len(group_of(20) - group_of(10))
    assert {email for email, group in groups(account, export).items() if group == "Control"} == group_of(20)


def field_export(account: RunningSandbox, crowd: Segment, name: str = "Newsletter") -> Export:
    list_id = account.create_list("Groups", fields=[("Left", "Text"), ("Group", "Text")])
    return export_of(account, crowd, Removal.LEAVE, list_id=list_id, name=name)


def groups(account: RunningSandbox, export: Export) -> dict[str, str]:
    return {
        person["EmailAddress"]: field["Value"]
        for person in account.people(export.list_id)
        for field in person["CustomFields"]
        if field["Key"] == "Group"
    }


def test_a_missing_field_ends_the_run_before_anything_is_sent(account: RunningSandbox, crowd: Segment) -> None:
    export = field_export(account, crowd)
    write_to_field(export, 10, field="[Gone]")
    ended = run(export)
    assert (ended.reason, ended.delivered) == ("fields_missing", 0)
    assert "[Gone]" in ended.message


def test_exports_that_share_other_fields_do_not_send_in_turn(account: RunningSandbox, crowd: Segment) -> None:
    one = field_export(account, crowd)
    write_to_field(one, 20)
    other = beside(account, one, crowd)
    assert [run(each).delivered for each in (one, other)] == [20, 20]
    assert [run(each).delivered for each in (one, other, one, other)] == [0, 0, 0, 0]


def beside(account: RunningSandbox, export: Export, segment: Segment, removal: Removal = Removal.DELETE) -> Export:
    """Another export to the list of ``export``."""
    return export_of(account, segment, removal, list_id=export.list_id, connection=export.connection, name="Other")


def test_a_contact_that_another_export_sends_stays_on_the_list(account: RunningSandbox, crowd: Segment) -> None:
    one = export_of(account, crowd, Removal.DELETE)
    other = beside(account, one, crowd)
    run(one)
    run(other)
    hold_out(one, 20)
    assert run(one).to_remove == 0
    assert active(account, one) == set(CROWD)


def test_a_contact_that_all_exports_hold_out_is_removed(account: RunningSandbox, crowd: Segment) -> None:
    one = export_of(account, crowd, Removal.DELETE)
    other = beside(account, one, crowd)
    run(one)
    run(other)
    hold_out(one, 20)
    hold_out(other, 10)
    assert run(one).removed == len(group_of(10))
    assert active(account, one) == set(CROWD) - group_of(10)
    hold_out(other, 10, salt="2e")
    ended = run(other)
    assert ended.removed == len(group_of(20) & group_of(10, "2e") - group_of(10))
    assert active(account, one) == (set(CROWD) - group_of(10)) - (group_of(20) & group_of(10, "2e")) | (
        group_of(10) - group_of(10, "2e")
    )


def test_an_export_does_not_want_the_contacts_that_it_holds_out(account: RunningSandbox, crowd: Segment) -> None:
    """Not even before its next run: the export that added them removes them."""
    one = export_of(account, crowd, Removal.DELETE)
    other = beside(account, one, crowd)
    hold_out(other, 50)
    run(one)
    leaving = sorted(group_of(50))[0], sorted(set(CROWD) - group_of(50))[0]
    others = exports.segment_of_everyone("Others")
    other.segments.set([others])
    leave(crowd, *leaving)
    assert run(one).removed == 1
    assert active(account, one) == set(CROWD) - {leaving[0]}


def test_a_refresh_during_the_plan_does_not_keep_the_control_group_on_the_list(
    account: RunningSandbox, crowd: Segment, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = export_of(account, crowd, Removal.DELETE)
    run(export)
    hold_out(export, 10)
    keep, record = removal_plan.keep_wanted_contacts, wants.record_overwritten
    kept = []

    def refresh_meanwhile(planned: Run, known: KnownList) -> None:
        Segment.objects.filter(pk=crowd.pk).update(refreshed_at=clock.now())
        record(planned, known)

    monkeypatch.setattr(wants, "record_overwritten", refresh_meanwhile)
    monkeypatch.setattr(removal_plan, "keep_wanted_contacts", lambda working: kept.append(keep(working)))
    assert run(export).removed == len(group_of(10))
    assert kept == [0]


@pytest.mark.parametrize("options", [RunOptions(everyone=True), RunOptions(resubscribe=True)])
def test_no_option_of_a_run_sends_the_control_group(
    account: RunningSandbox, crowd: Segment, options: RunOptions
) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    assert export.connection is not None
    Connection.objects.update(limits=replace(export.connection.limited, may_resubscribe=True).keep())
    run(export)
    account.set_state(CROWD[:15], "Unsubscribed", export.list_id)
    change(export, mapping=[])
    assert run(export).left == 15
    hold_out(export, 50)
    ended = carried_on(runs.start_run(export, by=None, options=options))
    assert ended.held_out == len(group_of(50))
    assert group_of(50) & set(CROWD[:15])
    assert not group_of(50) & set(CROWD[:15]) & active(account, export)


def test_rejected_contacts_in_the_control_group_are_not_retried(
    account: RunningSandbox, crowd: Segment, bob: User
) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    account.faults({"rules": [{"kind": "refuse_emails", "emails": CROWD, "code": 1}]})
    rejected = run(export)
    assert rejected.rejected == 20
    account.clear_faults()
    hold_out(export, 20)
    retries.retry_rejected(rejected, by=bob)
    ended = carried_on(export.runs.order_by("-pk")[0])
    assert (ended.delivered, ended.held_out) == (20 - len(group_of(20)), len(group_of(20)))
    assert active(account, export) == set(CROWD) - group_of(20)


def test_one_contact_of_the_control_group_is_not_sent_as_a_test(
    account: RunningSandbox, crowd: Segment, alice: User
) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    hold_out(export, 20)
    with pytest.raises(Refusal, match="In the control group of this export"):
        send_test.send_one(export, person=sorted(group_of(20))[0], by=alice)


def test_a_cleanup_of_the_list_counts_the_control_group(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    run(export)
    hold_out(export, 20)
    run(export)
    with transaction.atomic():
        assert removal_plan.count_all_removals(DeliveredSet.objects.get(export=export)) == 20


def test_a_copy_of_an_export_has_a_control_group_of_its_own(account: RunningSandbox, crowd: Segment) -> None:
    export = export_of(account, crowd, Removal.LEAVE)
    hold_out(export, 20)
    copy = manage.duplicate(export, by=None)
    assert (copy.control_mode, copy.control_percentage) == (ControlMode.HOLD_OUT, 20)
    assert copy.control_salt not in ("", SALT)


@pytest.mark.parametrize("seed", range(6))
def test_the_members_add_up_and_one_address_is_in_one_group(account: RunningSandbox, seed: int) -> None:
    """Over random profiles with duplicates, invalid addresses, refusals, and members of the exclusion segment."""
    random = Random(seed)
    create_profiles([random_profile(random, number) for number in range(120)])
    rules = {"join": "and", "rules": [{"attribute": "team", "operator": "has_value"}]}
    staff = exports.segment_of_everyone("Staff", rules)
    Segment.objects.filter(pk=staff.pk).update(is_exclusion=True)
    export = export_of(account, exports.segment_of_everyone(), Removal.LEAVE)
    hold_out(export, random.choice([1, 10, 33, 50]), salt=f"{seed:02x}")
    details = lookups.look_up(export.connection, export.list_id).details  # type: ignore[arg-type]
    assert details is not None
    snapshot = replace(run_settings.freeze(export, details), required_attribute="agreed")
    with transaction.atomic():
        counts = diff.compute_diff(snapshot, KnownList())
        with database.cursor() as cursor:
            cursor.execute("SELECT email, action FROM plan WHERE email IS NOT NULL")
            rows = [
                (email, action) for email, action in cursor.fetchall() if action not in ("invalid", "duplicate")
            ]
    assert counts.members == 120
    assert len({email for email, _action in rows}) == len(rows)
    share = AddressShare(export.control_salt, export.control_percentage)
    for email, action in rows:
        if action in ("add", "control"):
            assert (action == "control") == share.contains(email)
    assert counts.control == sum(action == "control" for _email, action in rows)


def random_profile(random: Random, number: int) -> dict[str, object]:
    email = random.choice(
        ["", "no-at-sign", *(f"{case}{n}@Example.com" for case in ("p", "P") for n in range(60))]
    )
    return {
        "id": str(number),
        "email": email or None,
        "agreed": random.choice([True, True, True, False]),
        "team": random.choice(["Sales", None, None, None, None]),
    }
