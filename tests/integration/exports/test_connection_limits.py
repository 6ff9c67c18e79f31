"""The limits of a connection hold for every role and every way: page, file, forged request, and run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from config.console.manifest.apply import apply
from config.console.manifest.document import FileRefused
from config.platform.accounts.models import User
from config.platform.jobs.models import JobStatus
from connections import actions as connection_actions
from connections.models import Connection, Limits
from exports.actions import manage, runs
from exports.models import Export, OutcomeKind, Run
from exports.policies import Refusal
from exports.preview.dry_run import preview
from exports.run import pipeline
from exports.state.status import Reason
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.members import leave
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox

AGREEING: list[dict[str, Any]] = [
    {"email": "yes@example.com", "newsletter": True},
    {"email": "no@example.com", "newsletter": False},
    {"email": "silent@example.com", "newsletter": None},
    {"email": "twice@example.com", "newsletter": True},
    {"email": "TWICE@example.com", "newsletter": False},
    {"email": "also@example.com", "newsletter": None},
    {"email": "also@example.com", "newsletter": True},
    {"email": "broken", "newsletter": True},
]


def limit(connection: Connection, **limits: Any) -> None:
    connection_actions.set_limits(by=None, connection=connection, limits=replace(Limits(), **limits))


@pytest.fixture
def agreeing(account: RunningSandbox, shared: Connection, bob: User) -> Export:
    """Make an export of contacts of which some have agreed."""
    create_profiles(AGREEING)
    return exports.export_to(account, shared, exports.segment_of_everyone(), by=bob)


def posted(export: Export, **changes: Any) -> dict[str, Any]:
    return {
        "name": export.name,
        "connection": str(export.connection_id),
        "list_id": export.list_id,
        "email_attribute": "email",
        "segments": [segment.pk for segment in export.segments.all()],
        "map_attribute": [pair["attribute"] for pair in export.mapping],
        "map_field": [pair["field"] for pair in export.mapping],
        "question_consent_to_track": "unchanged",
        "version": export.version,
    } | changes


# -- consent of the people ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_only_who_agreed_is_sent(agreeing: Export, shared: Connection, account: RunningSandbox) -> None:
    limit(shared, required_attribute="newsletter")
    run = run_to_its_end(agreeing)
    # “also” agreed in the newest of two profiles; for “twice” one of two says no.
    assert {person["EmailAddress"] for person in account.people()} == {"yes@example.com", "also@example.com"}
    assert (run.members, run.invalid, run.duplicates, run.without_consent, run.planned) == (8, 1, 2, 3, 2)
    rows = run.outcomes.filter(kind=OutcomeKind.NO_CONSENT).values_list("email", flat=True)
    assert set(rows) == {"no@example.com", "silent@example.com", "twice@example.com"}


@pytest.mark.django_db(transaction=True)
def test_the_run_page_counts_them_and_leads_to_them(
    agreeing: Export, shared: Connection, bob_client: Client, charlie_client: Client
) -> None:
    limit(shared, required_attribute="newsletter")
    run = run_to_its_end(agreeing)
    html = bob_client.get(f"/data/runs/{run.pk}/").content.decode()
    assert "No consent" in html
    assert f"/data/runs/{run.pk}/contacts/?kind=no_consent" in html
    people = bob_client.get(f"/data/runs/{run.pk}/contacts/?kind=no_consent").content.decode()
    assert "silent@example.com" in people
    assert "is not true for this contact" in people
    masked = charlie_client.get(f"/data/runs/{run.pk}/contacts/?kind=no_consent").content.decode()
    assert "silent@example.com" not in masked


@pytest.mark.django_db(transaction=True)
def test_who_agrees_later_is_sent_then(agreeing: Export, shared: Connection) -> None:
    limit(shared, required_attribute="newsletter")
    run_to_its_end(agreeing)
    limit(shared)
    run = run_to_its_end(agreeing)
    assert (run.without_consent, run.planned, run.unchanged) == (0, 3, 2)


def test_the_preview_counts_them_too(agreeing: Export, shared: Connection) -> None:
    limit(shared, required_attribute="newsletter")
    agreeing.refresh_from_db()
    counts = preview(agreeing).plan_counts
    assert (counts.no_consent, counts.add, counts.members) == (3, 2, 8)


def test_an_attribute_without_values_lets_no_contact_through(agreeing: Export, shared: Connection) -> None:
    limit(shared, required_attribute="nobody has this")
    agreeing.refresh_from_db()
    assert preview(agreeing).plan_counts.to_send == 0


# -- the contract ------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_run_over_the_contract_sends_no_contact(
    newsletter: Export, shared: Connection, account: RunningSandbox
) -> None:
    limit(shared, most_people=2)
    run = run_to_its_end(newsletter)
    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.TOO_MANY_PROFILES)
    assert "Its contract allows 2" in run.message
    assert not account.people()


@pytest.mark.django_db(transaction=True)
def test_the_contract_counts_everybody_once_over_all_exports(
    newsletter: Export, shared: Connection, everyone: Segment, account: RunningSandbox
) -> None:
    limit(shared, most_people=3)
    assert run_to_its_end(newsletter).delivered == 3
    create_profiles([{"email": "fourth@example.com"}], source="More")
    another = account.create_list("Another")
    same = exports.export_to(account, shared, everyone, list_id=another, name="Same people")
    assert run_to_its_end(same).delivered == 3
    more = exports.export_to(
        account, shared, exports.segment_of_everyone("All"), list_id=another, name="More people"
    )
    leave(more.segments.get(), "ann@example.com", "ANN@example.com", "ben@example.com", "cid@example.com")
    assert preview(more).over_connection == 4  # although it holds one alone
    assert run_to_its_end(more).reason == Reason.TOO_MANY_PROFILES


# -- lists and attributes ----------------------------------------------------------------------------------------

FORBIDDEN = [
    ({"lists": ("f" * 32,)}, "do not allow this list"),
    ({"withheld": ("first_name",)}, "block the attribute “first_name”"),
    ({"allowed": ("email",)}, "block the attribute “first_name”"),
    ({"withheld": ("Email",)}, "block the attribute “email”"),
]


@pytest.mark.parametrize(("limits", "sentence"), FORBIDDEN)
def test_the_page_says_what_is_forbidden(
    bob_client: Client, newsletter: Export, shared: Connection, limits: dict[str, Any], sentence: str
) -> None:
    limit(shared, **limits)
    response = bob_client.post(f"/data/exports/{newsletter.pk}/", posted(newsletter, name="Changed"))
    assert response.status_code == 422
    assert sentence in response.content.decode()
    response = bob_client.post("/data/exports/add/", posted(newsletter, name="Another"))
    assert response.status_code == 422
    assert Export.objects.get().name == "Newsletter"


@pytest.mark.parametrize(("limits", "sentence"), FORBIDDEN)
def test_administrators_are_held_to_them_too(
    newsletter: Export, shared: Connection, alice: User, limits: dict[str, Any], sentence: str
) -> None:
    limit(shared, **limits)
    settings = manage.ExportSettings(
        name="Mine",
        connection=shared,
        list_id=newsletter.list_id,
        email_attribute="email",
        segments=[],
        mapping=newsletter.mapping,
    )
    for by in (alice, None):
        with pytest.raises(Refusal, match=sentence):
            manage.create(settings, by=by)


@pytest.mark.parametrize(("limits", "sentence"), FORBIDDEN)
def test_what_was_there_before_does_not_run(
    bob_client: Client, newsletter: Export, shared: Connection, limits: dict[str, Any], sentence: str
) -> None:
    run = runs.start_run(newsletter, by=None)
    limit(shared, **limits)
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    assert (run.status, run.reason) == (JobStatus.FAILED, Reason.LIMITS)
    assert sentence in run.message
    response = bob_client.post(f"/data/exports/{newsletter.pk}/run/")
    assert response.status_code == 409
    assert sentence in response.content.decode()
    assert Run.objects.count() == 1


def test_what_is_forbidden_is_not_offered(bob_client: Client, newsletter: Export, shared: Connection) -> None:
    limit(shared, withheld=("city",))
    html = bob_client.get(f"/data/exports/{newsletter.pk}/").content.decode()
    assert 'value="first_name"' in html
    assert 'value="city"' not in html


@pytest.mark.django_db(transaction=True)
def test_a_file_is_held_to_them(newsletter: Export, shared: Connection, tmp_path: Path) -> None:
    limit(shared, withheld=("city",))
    file = tmp_path / "sneaky.yaml"
    file.write_text(
        "exports:\n"
        "  - name: Sneaky\n"
        "    connection: Shared sandbox\n"
        f"    list_id: {newsletter.list_id}\n"
        "    segments: [Everyone]\n"
        "    email: email\n"
        "    fields: {name: city}\n"
        "    answers: {consent_to_track: unchanged}\n"
    )
    with pytest.raises(FileRefused, match="block the attribute “city”"):
        apply(file)
    assert not Export.objects.filter(name="Sneaky").exists()
