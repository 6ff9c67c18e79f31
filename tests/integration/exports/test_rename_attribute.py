"""Rename an attribute that exports and connections use."""

import threading
from collections.abc import Mapping

import pytest
from django.db import connection, transaction

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from connections.destinations.values import by_attribute
from connections.models import Connection, Limits
from exports.actions import runs
from exports.models import Export, ExportPreview, Run
from exports.models.snapshot import RunSnapshot
from segments.attribute_changes import frame
from segments.attribute_changes.frame import ChangeRefused
from segments.attribute_changes.rename import rename_attribute
from segments.models import AttributeType, ProfileAttribute
from tests.integration.exports.conftest import run_to_its_end
from tests.support.exports import export_to, segment_of_everyone
from tests.support.profiles import create_attributes, create_profiles
from tests.support.sandbox import RunningSandbox


def rename(name: str, after: str, by: User) -> None:
    rename_attribute(ProfileAttribute.objects.get(name=name).pk, after, by=by)


@pytest.fixture
def consenting(account: RunningSandbox, shared: Connection, bob: User) -> Export:
    """Return an export with an attribute for addresses, one that is mapped, one that answers a question, and one
    for consent."""
    people: list[Mapping[str, object]] = [
        {"email": f"{name}@example.com", "first_name": name, "tracked": tracked, "agreed": True}
        for name, tracked in [("ann", True), ("ben", False)]
    ]
    create_attributes({"tracked": AttributeType.BOOLEAN, "agreed": AttributeType.BOOLEAN})
    create_profiles(people)
    shared.limits = Limits(required_attribute="agreed", withheld=("Secret",), allowed=None).keep()
    shared.save(update_fields=["limits"])
    mapping = [{"attribute": "first_name", "field": "name"}]
    return export_to(
        account, shared, segment_of_everyone(), mapping=mapping, consent=by_attribute("tracked"), by=bob
    )


def test_after_a_rename_the_next_run_has_nothing_new_to_send(consenting: Export, bob: User) -> None:
    first = run_to_its_end(consenting, bob)
    assert (first.planned, first.delivered) == (2, 2)
    renamed = {"first_name": "Given name", "email": "Contact", "tracked": "May track", "agreed": "Newsletter"}
    for before, after in renamed.items():
        rename(before, after, bob)
    second = run_to_its_end(Export.objects.get(pk=consenting.pk), bob)
    assert (second.status, second.unchanged, second.planned, second.to_remove) == (JobStatus.SUCCESSFUL, 2, 0, 0)
    assert second.without_consent == 0


def test_exports_and_limits_have_the_new_name_and_ended_runs_the_old_one(consenting: Export, bob: User) -> None:
    run = run_to_its_end(consenting, bob)
    version = consenting.version
    rename("first_name", "Given name", bob)
    rename("agreed", "Newsletter", bob)
    consenting.refresh_from_db()
    run.refresh_from_db()
    assert consenting.mapping == [{"attribute": "Given name", "field": "name"}]
    assert consenting.version == version + 1
    assert consenting.connection is not None
    assert consenting.connection.limited.required_attribute == "Newsletter"
    assert [pair.attribute for pair in run.snapshot.mapping] == ["first_name"]
    assert run.snapshot.required_attribute == "agreed"


def test_the_change_of_each_export_and_connection_is_audited(consenting: Export, bob: User) -> None:
    rename("tracked", "May track", bob)
    rename("agreed", "Newsletter", bob)
    (edited,) = AuditEntry.objects.filter(target_kind="export", action="edited")
    before, after = edited.changes["answers"]
    assert (before["consent_to_track"], after["consent_to_track"]) == ("attribute:tracked", "attribute:May track")
    limited = AuditEntry.objects.filter(action="connection.limits_changed").latest("pk")
    assert limited.changes == {"required_attribute": ["agreed", "Newsletter"]}
    assert limited.actor_name == str(bob)


def test_a_name_in_limits_is_found_in_any_case(consenting: Export, bob: User) -> None:
    create_attributes({"secret": AttributeType.TEXT})
    rename("secret", "Hidden", bob)
    assert consenting.connection is not None
    consenting.connection.refresh_from_db()
    assert consenting.connection.limited.withheld == ("Hidden",)


@pytest.mark.parametrize("name", ["first_name", "email", "tracked", "agreed"])
def test_an_open_run_that_reads_the_attribute_is_named(consenting: Export, bob: User, name: str) -> None:
    run = runs.start_run(consenting, by=bob)
    with pytest.raises(ChangeRefused, match=consenting.name) as refused:
        rename(name, "Work email", bob)
    assert [usage.name for usage in refused.value.usages] == [consenting.name]
    assert ProfileAttribute.objects.filter(name=name).exists()
    Run.objects.filter(pk=run.pk).update(snapshot=RunSnapshot(email_attribute="email", required_attribute=name))
    Export.objects.update(mapping=[], answers={}, email_attribute="Mail")
    Connection.objects.update(limits={})
    with pytest.raises(ChangeRefused, match=consenting.name):
        rename(name, "Work email", bob)


def test_an_open_preview_that_reads_the_attribute_is_named(consenting: Export, bob: User) -> None:
    ExportPreview.objects.create(export=consenting, export_version=1)
    with pytest.raises(ChangeRefused, match=consenting.name):
        rename("first_name", "Another", bob)


def test_an_open_run_reads_the_addresses_of_every_export(consenting: Export, board: Export, bob: User) -> None:
    create_attributes({"mail": AttributeType.TEXT})
    Export.objects.filter(pk=board.pk).update(email_attribute="mail")
    runs.start_run(consenting, by=bob)
    with pytest.raises(ChangeRefused, match=consenting.name):
        rename("mail", "Another", bob)


def test_an_open_run_that_does_not_read_the_attribute_is_no_obstacle(consenting: Export, bob: User) -> None:
    create_attributes({"unused": AttributeType.TEXT})
    runs.start_run(consenting, by=bob)
    rename("unused", "Still unused", bob)
    assert ProfileAttribute.objects.filter(name="Still unused").exists()


@pytest.mark.django_db(transaction=True)
def test_it_gives_up_while_an_export_is_being_saved(
    consenting: Export, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "_LOCK_SECONDS", 1)
    is_locked, is_done = threading.Event(), threading.Event()

    def save() -> None:
        with transaction.atomic():
            Export.objects.select_for_update().get(pk=consenting.pk)
            is_locked.set()
            is_done.wait(30)
        connection.close()

    saving = threading.Thread(target=save)
    saving.start()
    try:
        assert is_locked.wait(30)
        with pytest.raises(ChangeRefused, match="Another change is being saved"):
            rename("first_name", "Given name", bob)
    finally:
        is_done.set()
        saving.join()
    rename("first_name", "Given name", bob)
    consenting.refresh_from_db()
    assert consenting.mapping == [{"attribute": "Given name", "field": "name"}]
