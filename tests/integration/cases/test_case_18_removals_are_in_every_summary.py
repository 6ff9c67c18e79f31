"""Case 18: many contacts leave the segment of an export that removes."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from config.platform.accounts.models import User
from config.platform.notifications.models import Change, Channel, Condition, Notification
from exports.actions import runs
from exports.models import Export, Removal, Run
from exports.run import pipeline
from segments.models import Segment
from tests.integration.cases.conftest import run_export
from tests.integration.notifications.conftest import send_all
from tests.support import exports
from tests.support.mail_server import webhook_receiver
from tests.support.members import CROWD, crowd_of, leave
from tests.support.sandbox import RunningSandbox

LEAVERS = CROWD[:15]
_CHARTS = re.compile(r"<(svg|template|script|style|details)\b.*?</\1>", re.DOTALL)


@pytest.fixture
def held(account: RunningSandbox, alice: User) -> Run:
    """A run that would delete fifteen of twenty contacts, and awaits confirmation."""
    crowd: Segment = crowd_of(CROWD)
    list_id = account.create_list("Shop", scope="OnlyThisList")
    exports.export_to(account, exports.sandbox_connection(account, by=alice), crowd, list_id=list_id)
    Export.objects.update(removal=Removal.DELETE)
    run_export()
    leave(crowd, *LEAVERS)
    assert run_export()["awaiting_confirmation"] == 15
    return Run.objects.latest("pk")


def text_of(client: Client, name: str, *arguments: Any, query: str = "") -> str:
    return client.get(reverse(name, args=arguments) + query).content.decode()


def words_of(client: Client, name: str, *arguments: Any) -> str:
    """What a person reads on a page; without the numbers of charts, which say removals by the day."""
    return " ".join(strip_tags(_CHARTS.sub("", text_of(client, name, *arguments)).replace("<", " <")).split())


def test_contacts_to_remove_are_listed_before_confirming(held: Run, alice_client: Client) -> None:
    listed = text_of(alice_client, "exports:contacts", held.pk, query="?kind=awaiting_confirmation")
    assert all(email in listed for email in LEAVERS)
    assert CROWD[19] not in listed
    assert "No longer a member of any segment of this export." in listed
    download = alice_client.get(
        reverse("exports:contacts_download", args=[held.pk]) + "?kind=awaiting_confirmation"
    )
    assert b"".join(download).count(b"@example.com") == 15
    assert "?kind=awaiting_confirmation" in text_of(alice_client, "exports:run", held.pk)


def test_contacts_to_remove_are_masked_without_the_permission(held: Run, charlie_client: Client) -> None:
    listed = text_of(charlie_client, "exports:contacts", held.pk, query="?kind=awaiting_confirmation")
    assert not any(email in listed for email in LEAVERS)
    assert listed.count("p•••@e•••.com") >= 15


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("system:home", "0 removed 15 removals awaiting confirmation"),
        ("exports:list", "0 removed 15 removals awaiting confirmation"),
        ("exports:runs", "0 15 removals awaiting confirmation"),
        ("exports:run", "Removals awaiting confirmation 15"),
    ],
)
def test_a_summary_says_how_many_removals_await_confirmation(
    held: Run, alice_client: Client, name: str, shown: str
) -> None:
    assert shown in words_of(alice_client, name, *_arguments(name, held))


def test_the_condition_says_how_many_removals_await_confirmation(held: Run) -> None:
    told = Condition.objects.get(kind="needs_confirmation").sentence  # that of mails and of the webhook
    assert "Removals awaiting confirmation: 15." in told


def test_the_webhook_says_the_numbers_of_removals(held: Run) -> None:
    told = Condition.objects.get(kind="needs_confirmation")
    with webhook_receiver() as hook:
        Notification.objects.create(condition=told, change=Change.OPENED, channel=Channel.WEBHOOK)
        send_all()
    said = hook.documents[0]["results"]
    assert (said["members"], said["unchanged"], said["removed"], said["awaiting_confirmation"]) == (5, 5, 0, 15)


def test_the_confirmation_leads_to_the_contacts(held: Run, alice_client: Client) -> None:
    dialog = text_of(alice_client, "exports:confirm_removals", held.pk)
    assert f'href="{reverse("exports:contacts", args=[held.pk])}?kind=awaiting_confirmation"' in dialog


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("system:home", "5 members 5 unchanged 15 removed"),
        ("exports:list", "5 members 5 unchanged 15 removed"),
        # members, delivered, unchanged, excluded, suppressed, rejected, removed
        ("exports:runs", "5 0 5 0 0 0 15"),
        ("exports:run", "Not attempted 0 Removed 15"),  # the figures at the top
    ],
)
def test_a_summary_says_how_many_contacts_were_removed(
    held: Run, alice: User, alice_client: Client, name: str, shown: str
) -> None:
    runs.confirm_removals(held, people=15, how="delete", by=alice)
    run = Run.objects.latest("pk")
    _finish(run)
    assert (run.removed, run.to_remove) == (15, 15)
    assert shown in words_of(alice_client, name, *_arguments(name, run))


def test_the_number_of_a_run_leads_to_the_removed_contacts(held: Run, alice: User, alice_client: Client) -> None:
    runs.confirm_removals(held, people=15, how="delete", by=alice)
    run = Run.objects.latest("pk")
    _finish(run)
    link = f'/data/runs/{run.pk}/contacts/?kind=removed"'
    for name in ("exports:runs", "exports:run"):
        assert link in text_of(alice_client, name, *_arguments(name, run)), name
    listed = text_of(alice_client, "exports:contacts", run.pk, query="?kind=removed")
    assert all(email in listed for email in LEAVERS)


def _arguments(name: str, run: Run) -> list[int]:
    return {"exports:runs": [run.export_id], "exports:run": [run.pk]}.get(name, [])


def _finish(run: Run) -> None:
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
