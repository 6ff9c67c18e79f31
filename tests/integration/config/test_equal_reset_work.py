"""A request for a reset link does the same work for addresses that have an account and for those that have none.

Times vary with the machine; queries, tasks and answers do not."""

import re
from dataclasses import dataclass
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from config.celery import app as celery_app
from config.platform.accounts.models import ResetRequest, User

_VALUES = re.compile(r"'[^']*'|\b\d+\b|s\d+_x\d+")


@dataclass(frozen=True)
class Work:
    """What one request did: its queries without their values, the tasks it started, and its answer."""

    queries: tuple[str, ...]
    tasks: tuple[str, ...]
    rows: int
    status: int
    headers: tuple[str, ...]
    text: str


@pytest.fixture(autouse=True)
def _mails(settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True


def work_of(email: str, on_commit: DjangoCaptureOnCommitCallbacks) -> Work:
    """Ask for a link for ``email`` as a stranger."""
    client, before = Client(), ResetRequest.objects.count()
    with (
        patch.object(celery_app, "send_task") as started,
        CaptureQueriesContext(connection) as asked,
        on_commit(execute=True),
    ):
        answer = client.post("/accounts/password/forgotten/", {"email": email})
    return Work(
        tuple(_VALUES.sub("?", query["sql"]) for query in asked.captured_queries),
        tuple(str(call) for call in started.call_args_list),
        ResetRequest.objects.count() - before,
        answer.status_code,
        tuple(sorted(answer.headers)),
        re.sub(r"[\w-]{22,}={0,2}", "·", answer.content.decode()).replace(email, "·"),
    )


@pytest.mark.parametrize("kind", ["unknown", "deactivated", "without a password", "two accounts"])
def test_every_address_costs_the_work_of_a_known_one(
    alice: User, bob: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, kind: str
) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=kind != "deactivated")
    if kind == "without a password":
        bob.set_unusable_password()
        bob.save()
    if kind == "two accounts":
        User.objects.create_user("bob2", "a-long-password", role=bob.role, email=bob.email)
    known = work_of(alice.email, django_capture_on_commit_callbacks)
    other = work_of("nobody@example.com" if kind == "unknown" else bob.email, django_capture_on_commit_callbacks)
    assert other == known
    assert known.rows == 1
    assert len(known.tasks) == 1


def test_the_request_looks_no_account_up_by_its_address(
    alice: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    work = work_of(alice.email, django_capture_on_commit_callbacks)
    conditions = [query.partition("WHERE")[2] for query in work.queries if 'FROM "accounts_user"' in query]
    assert [condition for condition in conditions if "email" in condition] == []
