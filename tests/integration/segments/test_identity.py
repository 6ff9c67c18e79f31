"""Administrators choose by which attributes customers are recognized; a job unifies the profiles."""

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from config.platform.accounts.models import User
from config.platform.audit.models import AuditEntry
from config.platform.jobs.models import JobStatus
from config.platform.web.versions import StaleEdit
from segments import attribute_usage, catalog, unification
from segments.models import (
    DataSource,
    IdentityRules,
    NormalForm,
    Segment,
    SegmentRefresh,
    Unification,
    ValuePreference,
)
from segments.store import lake
from segments.store.profiles import EVERY_PROFILE, select_profiles, source_profiles
from segments.store.unified import write
from segments.store.unified.groups import GroupCounts
from segments.store.unified.rules import Identifier, rules_of
from segments.unification import RuleChoices
from tests.support.profiles import create_profiles

pytestmark = pytest.mark.django_db(transaction=True)

HTMX = {"HX-Request": "true", "HX-Target": "pane"}
PAGE, PANE = "/data/identity/", "/data/identity/edit/"


@pytest.fixture(autouse=True)
def _two_sources(db: None) -> None:
    create_profiles(
        [{"id": "C1", "email": "aino@example.com", "name": "Aino"}, {"id": "C2", "email": "bo@example.com"}],
        source="CRM",
    )
    create_profiles([{"id": "S1", "email": "Aino@example.com", "name": "A. Virtanen"}], source="Shop")


def attribute(name: str) -> catalog.Attribute:
    return catalog.find([name])[name]


def by_email() -> RuleChoices:
    return RuleChoices([Identifier(attribute("email"), NormalForm.EMAIL)], [_source("CRM"), _source("Shop")])


def posted(**more: object) -> dict[str, object]:
    return {
        "attribute_0": str(attribute("email").id),
        "form_0": "email",
        "preference": "source_order",
        f"source_{_source('CRM')}": "1",
        f"source_{_source('Shop')}": "2",
        "version": "0",
        **more,
    }


def keys() -> list[str]:
    return [each.key for each in select_profiles(EVERY_PROFILE)]


def test_a_preview_counts_and_changes_nothing(alice_client: Client) -> None:
    answer = alice_client.post(PANE, posted(act="preview"), headers=HTMX)
    html = answer.content.decode()
    assert "3 profiles become 2 customers. The largest customer has 2 profiles." in html
    assert keys() == ["C1", "C2", "S1"]
    assert not IdentityRules.objects.exists()


def test_a_save_unifies_the_customers_by_a_job(alice_client: Client) -> None:
    answer = alice_client.post(PANE, posted(), headers=HTMX)
    assert answer["HX-Redirect"] == PAGE
    job = Unification.objects.get()
    assert "The customers are being unified." in alice_client.get(PAGE).content.decode()
    assert len(keys()) == 3
    unification.run_unification(job.pk)
    job.refresh_from_db()
    assert job.status == JobStatus.SUCCESSFUL
    assert keys() == ["C1", "C2"]
    rules = IdentityRules.objects.get()
    assert (rules.version, rules.applied_version) == (1, 1)
    assert GroupCounts(**rules.counts) == GroupCounts(profiles=3, customers=2, largest=2, ignored=0)
    html = alice_client.get(PAGE).content.decode()
    assert "Email address" in html
    assert "The customers are being unified." not in html


def test_the_order_of_data_sources_is_that_of_the_places(alice: User, alice_client: Client) -> None:
    rules = _places(alice_client, CRM=2, Shop=1)
    assert rules.source_order == [_source("Shop"), _source("CRM")]
    unification.run_unification(Unification.objects.get().pk)
    assert [each.attributes.get("name") for each in select_profiles(EVERY_PROFILE)] == ["A. Virtanen", None]


def test_the_segments_are_refreshed_after_it(alice: User) -> None:
    segment = Segment.objects.create(name="All", rules={"join": "and", "rules": []})
    still = Segment.objects.create(name="Inactive", rules={"join": "and", "rules": []}, is_active=False)
    unification.save_rules(by_email(), version=0, by=alice)
    unification.run_unification(Unification.objects.get().pk)
    assert SegmentRefresh.objects.filter(segment=segment).count() == 1
    assert not SegmentRefresh.objects.filter(segment=still).exists()


def test_rules_that_are_saved_while_the_job_works_are_applied_by_it(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    unification.save_rules(by_email(), version=0, by=alice)
    job = Unification.objects.get()
    unify = write.unify

    def save_meanwhile(*args: object, **kwargs: object) -> object:
        monkeypatch.undo()
        unification.save_rules(RuleChoices(), version=1, by=alice)
        return unify(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(write, "unify", save_meanwhile)
    unification.run_unification(job.pk)
    assert Unification.objects.count() == 1
    assert IdentityRules.objects.get().applied_version == 2
    assert keys() == ["C1", "C2", "S1"]


def test_a_job_whose_worker_was_killed_after_its_commit_is_concluded(alice: User) -> None:
    unification.save_rules(by_email(), version=0, by=alice)
    job = Unification.objects.get()
    with lake.writing(f"unification:{job.pk}:1") as writer:
        write.unify(writer, rules_of(IdentityRules.objects.get()), source_profiles())
    unification.run_unification(job.pk)
    assert IdentityRules.objects.get().applied_version == 1
    assert keys() == ["C1", "C2"]


def test_a_change_is_recorded_with_names(alice: User) -> None:
    choices = RuleChoices(
        [Identifier(attribute("email"), NormalForm.EMAIL)],
        [_source("Shop")],
        ValuePreference.MOST_RECENT,
        [attribute("name").id],
    )
    unification.save_rules(choices, version=0, by=alice)
    entry = AuditEntry.objects.get(target_kind="identityrules")
    assert entry.changes == {
        "identifiers": [[], ["email: Email address"]],
        "source_order": [[], ["Shop"]],
        "preference": ["By the order of data sources", "The most recent value"],
        "exceptions": [[], ["name"]],
    }


def test_a_second_administrator_is_told_of_the_first(alice: User, alice_client: Client) -> None:
    unification.save_rules(by_email(), version=0, by=alice)
    with pytest.raises(StaleEdit):
        unification.save_rules(RuleChoices(), version=0, by=alice)
    answer = alice_client.post(PANE, posted(), headers=HTMX)
    assert answer.status_code == 409
    assert "This item was changed while you were editing." in answer.content.decode()


def test_only_administrators_save_rules(bob: User) -> None:
    with pytest.raises(PermissionDenied):
        unification.save_rules(by_email(), version=0, by=bob)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"attribute_1": "email", "form_1": "text"}, "Choose each attribute once."),
        ({"attribute_0": "name", "form_0": "email"}, "The attribute contains no email addresses."),
    ],
)
def test_choices_that_make_no_sense_are_refused(alice_client: Client, data: dict[str, str], message: str) -> None:
    ids = {name: str(attribute(name).id) for name in ("email", "name")}
    chosen = {name: ids[value] if name.startswith("attribute") else value for name, value in data.items()}
    answer = alice_client.post(PANE, posted(**chosen), headers=HTMX)
    assert answer.status_code == 422
    assert message in answer.content.decode()


def test_an_identifying_attribute_is_in_use(alice: User) -> None:
    unification.save_rules(by_email(), version=0, by=alice)
    (usage,) = attribute_usage.usages()["email"]
    assert (usage.name, usage.url) == ("Identity", PAGE)


def _source(name: str) -> int:
    return DataSource.objects.values_list("pk", flat=True).get(name=name)


def _places(client: Client, **places: int) -> IdentityRules:
    fields = {f"source_{_source(name)}": str(place) for name, place in places.items()}
    assert client.post(PANE, posted(**fields), headers=HTMX)["HX-Redirect"] == PAGE
    return IdentityRules.objects.get()
