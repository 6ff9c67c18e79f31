"""The effect of other rules of a segment over the API: what the next runs of exports would do."""

import pytest
from pytest_django import Settings

from config.platform.accounts.models import User
from connections.models import Connection, Consent, Environment
from exports.models import Export
from segments.models import Segment
from tests.support import exports
from tests.support.api import client_of
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox, sandbox, sandbox_process

__all__ = ["sandbox", "sandbox_process"]

pytestmark = pytest.mark.django_db


def rules_of(country: str) -> dict[str, object]:
    return {"join": "and", "rules": [{"attribute": "country", "operator": "is", "value": country}]}


@pytest.fixture
def export(settings: Settings, sandbox: RunningSandbox, alice: User, bob: User) -> Export:
    settings.CAMPAIGN_MONITOR_SANDBOX_URL = sandbox.url
    rows = [("ann", "Finland"), ("ben", "Norway"), ("cid", "Norway")]
    create_profiles({"email": f"{name}@example.com", "country": country} for name, country in rows)
    segment = exports.segment_of_everyone("Readers", rules_of("Finland"))
    return exports.export_to(sandbox, exports.sandbox_connection(by=alice), segment, by=bob)


def test_it_plans_the_next_runs_and_saves_nothing(export: Export, bob: User) -> None:
    segment = Segment.objects.get()
    client = client_of(bob)
    address = f"segments/{segment.pk}/effect"
    answer = client.post(address, {"rules": rules_of("Norway")})
    assert answer.status_code == 200, answer.content
    (effect,) = answer.json()["effects"]
    assert effect["export"] == export.name
    assert (effect["before"]["to_add"], effect["after"]["to_add"]) == (1, 2)
    assert (effect["after"]["requests"], effect["after"]["problem"]) == (1, "")
    segment.refresh_from_db()
    assert (segment.rules, segment.member_count) == (rules_of("Finland"), 1)


def test_it_refuses_rules_with_problems_and_users_who_cannot_manage_segments(
    export: Export, bob: User, charlie: User
) -> None:
    address = f"segments/{Segment.objects.get().pk}/effect"
    wrong = {"rules": {"rules": [{"attribute": "nickname", "operator": "is", "value": "x"}]}}
    answer = client_of(bob).post(address, wrong)
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_rules")
    own = {"rules": {"rules": [{"segment": Segment.objects.get().pk, "operator": "member"}]}}
    assert client_of(bob).post(address, own).status_code == 409
    answer = client_of(charlie).post(address, wrong)
    assert answer.status_code == 403


def test_an_export_over_a_connection_of_others_is_named_and_not_planned(
    export: Export, sandbox: RunningSandbox, alice: User, bob: User
) -> None:
    private = exports.sandbox_connection(by=alice, name="Board only", shared=False)
    Export.objects.filter(pk=export.pk).update(connection=private)
    sandbox.clear_requests()
    address = f"segments/{Segment.objects.get().pk}/effect"
    (effect,) = client_of(bob).post(address, {"rules": rules_of("Norway")}).json()["effects"]
    assert effect["export"] == export.name
    assert effect["after"]["problem"] == "You can view this export. Its connection is not shared with your role."
    assert sandbox.requests()["totals"]["calls"] == 0
    (effect,) = client_of(alice).post(address, {"rules": rules_of("Norway")}).json()["effects"]
    assert (effect["after"]["to_add"], effect["after"]["problem"]) == (2, "")


@pytest.mark.parametrize("locked", ["is_active", "is_static"])
def test_rules_that_cannot_be_saved_are_refused(export: Export, bob: User, locked: str) -> None:
    segment = Segment.objects.get()
    Segment.objects.filter(pk=segment.pk).update(**{locked: locked == "is_static"})
    answer = client_of(bob).post(f"segments/{segment.pk}/effect", {"rules": rules_of("Norway")})
    assert (answer.status_code, answer.json()["code"]) == (409, "rules_locked")


def test_a_connection_without_consent_is_not_asked(export: Export, sandbox: RunningSandbox, bob: User) -> None:
    Connection.objects.update(environment=Environment.LIVE)
    Consent.objects.all().delete()
    sandbox.clear_requests()
    address = f"segments/{Segment.objects.get().pk}/effect"
    (effect,) = client_of(bob).post(address, {"rules": rules_of("Norway")}).json()["effects"]
    assert "cannot be used: Consent to data privacy" in effect["after"]["problem"]
    assert sandbox.requests()["totals"]["calls"] == 0
