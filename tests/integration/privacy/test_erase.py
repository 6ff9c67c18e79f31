"""Erase a person: no table of the database holds them, and no import adds them again."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from pytest_django import Settings

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.encryption import keyring, rotation
from config.platform.jobs import clock
from config.platform.jobs.models import JobStatus
from exports.models import Batch, DisclosedList, Disclosure, Export, Outcome, PersonRemoval
from exports.privacy import disclosures, list_removal
from segments import hooks
from segments.models import DataSource, ImportJob, Segment, SegmentDraft
from segments.privacy import erase, subject_access, subjects
from segments.privacy.subjects import Scope
from segments.store import lake
from tests.integration.privacy.conftest import EMAIL, run_to_its_end
from tests.support.database_search import tables_with
from tests.support.profiles import Profile, get_profile, has_profile, product_profile, replace_attributes
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def nowhere(*words: str) -> bool:
    return not any(tables_with(each) for each in words)


def import_again(tmp_path: Path, text: str, source: str = "Customers") -> ImportJob:
    path = tmp_path / "again.csv"
    path.write_text(text, encoding="utf-8")
    with suppress(CommandError):  # it fails when no row is kept
        call_command("import_profiles", str(path), "--key", "id", "--source", source)
    return ImportJob.objects.latest("pk")


def test_an_erased_person_is_nowhere_and_the_counts_stay(export: Export, zofia: Profile, alice: User) -> None:
    run = run_to_its_end(export)
    assert (run.delivered, run.duplicates) == (3, 1)
    assert tables_with(EMAIL)

    erasure = erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)

    assert nowhere(EMAIL, "zielinska", "Z-1", "X-9")
    run.refresh_from_db()
    assert (run.planned, run.delivered, run.duplicates) == (3, 3, 1)
    batch = Batch.objects.get(run=run)
    assert batch.size == len(batch.emails) == len(batch.payloads) == len(batch.hashes) == len(batch.profile_ids)
    assert sorted(batch.emails) == ["", "ann@example.com", "ben@example.com"]
    assert Outcome.objects.get(kind="duplicate").email == ""
    assert erasure.counts["profiles"] == 2
    assert list(DataSource.objects.order_by("name").values_list("profile_count", flat=True)) == [2, 0]
    assert Segment.objects.get().member_count == 2


def test_an_erased_person_who_is_imported_again_and_exported_again_is_nowhere(
    export: Export, zofia: Profile, alice: User, account: RunningSandbox, tmp_path: Path
) -> None:
    run_to_its_end(export)
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, lists=lists_of(zofia), by=alice)
    list_removal.remove_from_list(PersonRemoval.objects.get().pk)
    received = account.received()[EMAIL]

    by_key = "id,email,first_name\nZ-1,,Zofia\nN-1,new@example.com,Nina\nA-2,ann@example.com,Anna\n"
    job = import_again(tmp_path, by_key)
    assert [problem.line for problem in job.problems.all()] == [2]
    assert "was erased on" in job.problems.get().reason
    assert (job.rows_created, job.rows_updated, job.rows_refused) == (1, 1, 1)
    by_address = f"id,email,first_name\nQ-7,{EMAIL.upper()} ,Zofia\n"
    assert import_again(tmp_path, by_address).rows_refused == 1
    assert import_again(tmp_path, by_address, source="Newsletter sign-ups").rows_refused == 1

    call_command("refresh_segments")
    again = run_to_its_end(export)
    assert again.delivered == 2
    assert nowhere(EMAIL, "zielinska", "Zofia")
    assert account.received()[EMAIL] == received
    assert [person["EmailAddress"].lower() for person in account.people(state="deleted")] == [EMAIL]


def lists_of(profile: Profile) -> list[str]:
    subject = subject_access.find_subject(product_profile(profile), scope=Scope.ADDRESS)
    return [each.key for each in hooks.personal_data.lists(subject)]


def test_the_record_says_that_it_happened_without_the_person(export: Export, zofia: Profile, alice: User) -> None:
    erasure = erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    entry = AuditEntry.objects.get(action="person.erased")
    assert entry.actor_name == str(alice)
    assert entry.target_name == f"#{subjects.hash_of_email(EMAIL).hex[:8]}" == str(erasure)


def test_disclosures_outlive_the_person_the_export_and_the_connection(
    export: Export, zofia: Profile, alice: User
) -> None:
    run_to_its_end(export)
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    used = export.connection
    export.delete()
    assert used is not None
    used.delete()
    disclosure = Disclosure.objects.get(person=subjects.hash_of_email(EMAIL))
    assert disclosure.disclosed_list.list_title == "Newsletter"
    assert disclosure.disclosed_list.connection_name == "Sandbox"


def test_other_people_are_unchanged(export: Export, zofia: Profile, alice: User) -> None:
    run_to_its_end(export)
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    assert tables_with("ann@example.com")
    assert tables_with("ben@example.com")
    run = run_to_its_end(export)
    assert (run.status, run.planned, run.unchanged) == (JobStatus.SUCCESSFUL, 0, 2)


def test_one_profile_alone_goes_while_others_have_the_address(
    export: Export, zofia: Profile, alice: User, tmp_path: Path
) -> None:
    run_to_its_end(export)
    erase.erase(product_profile(zofia), scope=Scope.PROFILE, by=alice)
    assert has_profile("X-9")
    assert nowhere('zielinska"', "Z-1")
    job = import_again(tmp_path, f"id,email\nZ-1,{EMAIL}\nY-1,{EMAIL}\n")
    assert (job.rows_refused, job.rows_created) == (1, 1)


def test_an_address_of_one_profile_is_erased_in_any_case(export: Export, everyone: Segment, alice: User) -> None:
    run_to_its_end(export)
    erase.erase(product_profile(get_profile("A-2")), scope=Scope.PROFILE, by=alice)
    assert nowhere("ann@example.com")


def test_rules_that_name_the_address_have_to_change_first(zofia: Profile, alice: User) -> None:
    rules = {"all": [{"attribute": "email", "operator": "is", "value": EMAIL}]}
    Segment.objects.create(name="Just her", rules=rules)
    with pytest.raises(erase.ErasureBlocked, match="Just her"):
        erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    assert has_profile("Z-1")


def test_drafts_with_the_address_are_deleted(zofia: Profile, alice: User, bob: User) -> None:
    named = {"join": "or", "rules": [{"attribute": "email", "operator": "any_of", "value": ["x", f"To {EMAIL}"]}]}
    other = {"join": "or", "rules": [{"attribute": "email", "operator": "is", "value": "other@example.com"}]}
    SegmentDraft.objects.create(key=uuid4(), user=bob, rules={"join": "and", "rules": [named]})
    SegmentDraft.objects.create(key=uuid4(), user=bob, rules=other)
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    assert [each.rules for each in SegmentDraft.objects.all()] == [other]


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_only_administrators_erase(zofia: Profile, who: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(PermissionDenied):
        erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=request.getfixturevalue(who))
    assert has_profile("Z-1")


def test_the_hash_is_the_same_in_python_and_in_sql(db: None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        subjects.pass_hash_key_to_sql()
        cursor.execute(f"SELECT {subjects.email_hash_sql('%s')}", ["łucja@example.com"])
        assert cursor.fetchone() == (subjects.hash_of_email("łucja@example.com"),)


def test_the_hash_is_the_same_in_python_and_in_duckdb(db: None) -> None:
    email, key = subjects.duckdb_hash("email:", "$email"), subjects.duckdb_hash("key:7:", "$key")
    values = {**subjects.duckdb_hash_parameters(), "email": "łucja@example.com", "key": "K-1"}
    with lake.reading() as reader:
        found = reader.row(f"SELECT {email}, {key}", values)
    assert found == (subjects.hash_of_email("łucja@example.com"), subjects.hash_of_key(7, "K-1"))


def test_disclosures_are_forgotten_when_their_time_is_over(
    export: Export, zofia: Profile, settings: Settings
) -> None:
    settings.DISCLOSURE_RETENTION_DAYS = 30
    disclosures.settle(run_to_its_end(export).pk)
    assert disclosures.prune() == 0
    try:
        clock.run_from(clock.now() + timedelta(days=31))
        assert disclosures.prune() == 3
    finally:
        clock.run_as_usual()
    assert not DisclosedList.objects.exists()


def test_a_second_run_moves_only_the_last_time(export: Export, zofia: Profile) -> None:
    disclosures.settle(run_to_its_end(export).pk)
    first = Disclosure.objects.get(person=subjects.hash_of_email(EMAIL))
    replace_attributes(get_profile(first_name="Z."), {"email": EMAIL, "first_name": "Zo"})
    disclosures.settle(run_to_its_end(export).pk)
    again = Disclosure.objects.get(person=subjects.hash_of_email(EMAIL))
    assert again.first_at == first.first_at
    assert again.last_at > first.last_at
    assert Disclosure.objects.count() == 3


def test_the_hashes_outlive_a_rotation_of_the_keyring(
    export: Export, zofia: Profile, alice: User, settings: Settings, tmp_path: Path
) -> None:
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    before = subjects.hash_of_email(EMAIL)
    settings.ENCRYPTION_KEYS_FILE = None
    settings.ENCRYPTION_KEYS = [f"new:{Fernet.generate_key().decode()}", *keyring._entries()]
    rotation.rotate()
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert not rotation.why_not_readable()
    assert subjects.hash_of_email(EMAIL) == before
    assert import_again(tmp_path, f"id,email\nQ-1,{EMAIL}\n").rows_refused == 1
