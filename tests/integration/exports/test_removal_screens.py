"""Choosing what becomes of contacts who leave, confirming what a guard holds, and sending all again."""

from dataclasses import replace

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from connections.models import Connection
from exports.actions import runs
from exports.models import Export, ListState, Removal, Run
from exports.models.snapshot import RunOptions
from exports.policies import Refusal
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_export_pane import ADD, complete, edit_url
from tests.support import exports
from tests.support.members import leave, states
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = [f"p{n:02}@example.com" for n in range(15)]


@pytest.fixture
def guarded(account: RunningSandbox, shared: Connection, bob: User) -> tuple[Export, Run]:
    """Bob's export that deletes, and its run whose removals a guard holds."""
    create_profiles([{"email": email, "first_name": "Name"} for email in CROWD])
    crowd = exports.segment_of_everyone("Crowd")
    list_id = account.create_list("Shop", scope="OnlyThisList")
    export = exports.export_to(account, shared, crowd, list_id=list_id, by=bob)
    Export.objects.filter(pk=export.pk).update(removal=Removal.DELETE)
    export.refresh_from_db()
    run_to_its_end(export)
    leave(crowd, *CROWD[:11])
    return export, run_to_its_end(export)


def confirm_url(run: Run) -> str:
    return f"/data/runs/{run.pk}/confirm-removals/"


# -- choosing --------------------------------------------------------------------------------------------------


def test_the_pane_saves_what_becomes_of_people_who_leave(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    list_id = account.create_list("Shop", scope="OnlyThisList", fields=[("Left", "Text")])
    chosen = {"removal": "mark", "mark_field": "[Left]", "mark_value": "gone", "map_field": ["name", ""]}
    data = complete(account, shared, everyone, list_id=list_id, map_attribute=["first_name", ""], **chosen)
    assert bob_client.post(ADD, data).status_code == 302
    export = Export.objects.get()
    assert (export.removal, export.mark_field, export.mark_value) == ("mark", "[Left]", "gone")
    assert 'value="gone"' in bob_client.get(edit_url(export)).content.decode()
    edited = data | {"removal": "delete", "version": export.version}
    assert bob_client.post(edit_url(export), edited).status_code == 302
    export.refresh_from_db()
    assert (export.removal, export.mark_field) == ("delete", "")
    assert AuditEntry.objects.get(action="edited").changes["removal"] == ["mark", "delete"]


@pytest.mark.parametrize(
    ("field", "said"), [("", "Choose the field"), ("[City]", "sent to this field"), ("[Nope]", "no text field")]
)
def test_the_pane_refuses_a_mark_that_cannot_be_made(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment, field: str, said: str
) -> None:
    data = complete(account, shared, everyone, removal="mark", mark_field=field, mark_value="gone")
    shown = bob_client.post(ADD, data)
    assert shown.status_code == 422
    assert said in shown.content.decode()


def test_only_an_administrator_lets_people_be_unsubscribed_from_all_lists(
    bob_client: Client, alice_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    data = complete(account, shared, everyone, removal="unsubscribe")
    assert "Only an administrator" in bob_client.post(ADD, data).content.decode()
    assert alice_client.post(ADD, data).status_code == 302
    export = Export.objects.get()
    assert export.unsubscribes_everywhere
    assert bob_client.post(edit_url(export), data | {"version": export.version}).status_code == 302


def test_the_limits_of_the_connection_forbid_taking_people_off(
    bob_client: Client, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    shared.limits = replace(shared.limited, may_remove=False).keep()
    shared.save()
    shown = bob_client.post(ADD, complete(account, shared, everyone, removal="delete"))
    assert "do not allow exports to remove subscribers" in shown.content.decode()


def test_the_pane_warns_of_another_export_to_the_list_and_of_fields_that_both_write(
    bob_client: Client, newsletter: Export, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    data = complete(account, shared, everyone)
    shown = bob_client.post("/data/exports/parts/?changed=list_id", data).content.decode()
    assert "“Newsletter” also sends to this list" in shown
    assert "Both exports write Name" in shown


def test_the_pane_says_how_many_are_sent_again_when_what_they_get_changes(
    bob_client: Client, newsletter: Export, account: RunningSandbox, shared: Connection, everyone: Segment
) -> None:
    run_to_its_end(newsletter)
    changed = complete(account, shared, everyone)
    address = f"/data/exports/parts/?changed=rows&export={newsletter.pk}"
    assert "resends 3 contacts" in bob_client.post(address, changed).content.decode()


def test_the_pane_counts_only_contacts_that_are_sent_again(
    bob_client: Client, account: RunningSandbox, shared: Connection, bob: User
) -> None:
    create_profiles([{"email": email, "city": "Łódź", "agreed": email < "p03"} for email in CROWD])
    crowd = exports.segment_of_everyone("Crowd")
    mapping = [{"attribute": "email", "field": "name"}, {"attribute": "city", "field": "[City]"}]
    export = exports.export_to(account, shared, crowd, mapping=mapping, consent="yes", by=bob)
    run_to_its_end(export)
    address = f"/data/exports/parts/?changed=rows&export={export.pk}"
    rows = {
        "map_attribute": ["email", "city"],
        "map_field": ["name", "[City]"],
        "question_consent_to_track": "yes",
    }
    data = complete(account, shared, crowd, **rows)
    automations = bob_client.post(address, data | {"question_automations": "new"}).content.decode()
    assert "resends" not in automations
    by_attribute = {"question_consent_to_track": "attribute", "attribute_for_consent_to_track": "agreed"}
    assert "resends 12 contacts" in bob_client.post(address, data | by_attribute).content.decode()


# -- confirming ------------------------------------------------------------------------------------------------


def test_a_contributor_confirms_what_a_guard_holds_and_a_new_run_removes_it(
    bob_client: Client, guarded: tuple[Export, Run], account: RunningSandbox
) -> None:
    export, held = guarded
    assert "11 removals await confirmation" in bob_client.get(f"/data/runs/{held.pk}/").content.decode()
    asked = bob_client.get(confirm_url(held)).content.decode()
    assert "Remove 11 contacts?" in asked
    assert bob_client.post(confirm_url(held), {"people": "11", "how": "delete"}).status_code == 302
    run_to_end(export)
    assert sum(state == "Deleted" for state in states(account, export.list_id).values()) == 11
    assert (
        bob_client.post(confirm_url(held), {"people": "11", "how": "delete"}).status_code == 409
    )  # a later run has done it
    assert AuditEntry.objects.filter(action="run").latest("pk").changes["confirmed_removals"] == [None, 11]


def test_it_asks_again_when_they_have_become_more(
    bob_client: Client, guarded: tuple[Export, Run], account: RunningSandbox
) -> None:
    export, held = guarded
    leave(export.segments.get(), *CROWD[11:13])
    assert "Remove 13 contacts?" in bob_client.get(confirm_url(held)).content.decode()
    bob_client.post(confirm_url(held), {"people": "11", "how": "delete"})
    ended = run_to_end(export)
    assert (ended.removals_held, ended.removal_guard) == (13, "grown")
    assert set(states(account, export.list_id).values()) == {"Active"}


def test_it_asks_again_when_the_export_does_something_else_with_them(
    bob_client: Client, guarded: tuple[Export, Run], account: RunningSandbox
) -> None:
    """The user saw marks, which can be cleared; by the click the export deletes."""
    export, held = guarded
    assert bob_client.post(confirm_url(held), {"people": "11", "how": "mark"}).status_code == 409
    bob_client.post(confirm_url(held), {"people": "11", "how": "delete"})
    Export.objects.filter(pk=export.pk).update(removal=Removal.UNSUBSCRIBE)  # before the run is checked
    ended = run_to_end(export)
    assert (ended.removals_held, ended.removed) == (11, 0)
    assert set(states(account, export.list_id).values()) == {"Active"}


def test_confirming_never_reaches_lists_that_were_not_named(
    alice_client: Client, guarded: tuple[Export, Run], account: RunningSandbox
) -> None:
    export, held = guarded
    list_id = account.create_list("All of them", scope="AllClientLists")
    Export.objects.filter(pk=export.pk).update(removal=Removal.UNSUBSCRIBE, list_id=list_id)
    export.delivered_sets.update(list_id=list_id)
    ListState.objects.update(list_id=list_id)
    runs.confirm_removals(find(held), people=11, how="unsubscribe", by=None)
    reach = run_to_end(export)
    assert (reach.removals_held, reach.removal_guard) == (11, "reach")
    assert "all lists of the client" in alice_client.get(confirm_url(reach)).content.decode()
    alice_client.post(confirm_url(reach), {"people": "11", "how": "unsubscribe"})
    assert run_to_end(export).to_remove == 11


def test_users_without_permission_cannot_confirm(
    charlie_client: Client, bob_client: Client, alice_client: Client, guarded: tuple[Export, Run]
) -> None:
    export, held = guarded
    assert charlie_client.get(confirm_url(held)).status_code == 403
    Run.objects.filter(pk=held.pk).update(removal_guard="reach")
    assert bob_client.post(confirm_url(held), {"people": "11", "how": "delete"}).status_code == 403
    assert alice_client.get(confirm_url(held)).status_code == 200
    assert alice_client.post(confirm_url(held), {"people": "x"}).status_code == 409
    assert export.runs.count() == 2


# -- sending again ---------------------------------------------------------------------------------------------


def test_everyone_is_sent_again_when_a_person_asks_for_it(
    bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    run_to_its_end(newsletter)
    address = f"/data/exports/{newsletter.pk}/send-again/"
    assert "Resends 3 contacts" in bob_client.get(address).content.decode()
    assert bob_client.post(address, {}).status_code == 422
    assert bob_client.post(address, {"everyone": "on"}).status_code == 302
    assert run_to_end(newsletter).delivered == 3
    assert AuditEntry.objects.filter(action="run").latest("pk").changes["everyone"] == [None, True]


def test_people_are_subscribed_again_for_one_run_where_the_connection_lets_people(
    bob_client: Client, newsletter: Export, account: RunningSandbox, shared: Connection
) -> None:
    account.set_state(["ann@example.com"], "Unsubscribed")
    assert run_to_its_end(newsletter).left == 1
    address = f"/data/exports/{newsletter.pk}/send-again/"
    assert "Subscribe 1 contact again" not in bob_client.get(address).content.decode()
    agreed = {"resubscribe": "on", "left": "1"}
    assert bob_client.post(address, agreed).status_code == 409
    shared.limits = replace(shared.limited, may_resubscribe=True).keep()
    shared.save()
    assert "Subscribe 1 contact again" in bob_client.get(address).content.decode()
    assert bob_client.post(address, {"resubscribe": "on", "left": "0"}).status_code == 409  # they were fewer
    bob_client.post(address, agreed)
    ended = run_to_end(newsletter)
    assert (ended.planned, ended.delivered) == (1, 1)
    assert states(account)["ann@example.com"] == "Active"
    account.set_state(["ann@example.com"], "Unsubscribed")
    run_to_its_end(newsletter)
    assert states(account)["ann@example.com"] == "Unsubscribed"


def test_no_command_subscribes_anybody_again_against_the_limits(newsletter: Export) -> None:
    with pytest.raises(Refusal):
        runs.start_run(newsletter, by=None, options=RunOptions(resubscribe=True))


def test_the_run_compares_the_list_with_what_is_known(
    bob_client: Client, newsletter: Export, account: RunningSandbox
) -> None:
    run_to_its_end(newsletter)
    account.set_state(["ann@example.com"], "Unsubscribed")
    ended = run_to_its_end(newsletter)
    assert (ended.active_on_list, ended.known_on_list) == (2, 3)
    assert (
        "1 contacts of this export have unsubscribed" in bob_client.get(f"/data/runs/{ended.pk}/").content.decode()
    )


def find(run: Run) -> Run:
    return Run.objects.get(pk=run.pk)


def run_to_end(export: Export) -> Run:
    """The run that is under way."""
    from exports.run import pipeline

    run = export.runs.latest("pk")
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    assert run.status in (JobStatus.SUCCESSFUL, JobStatus.WARNINGS)
    return run
