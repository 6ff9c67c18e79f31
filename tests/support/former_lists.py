"""Make an export that has added contacts to a list, and leaves it. Modules that use these fixtures name them in
``__all__``."""

from typing import Any

import pytest
from django.test import Client

from config.platform.accounts.models import User
from connections.models import Connection
from exports.actions import list_cleanup, manage
from exports.models import Export, Removal, Run
from exports.removal.list_cleanup import CleanupSettings
from exports.run import pipeline
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.integration.exports.test_export_pane import complete, edit_url
from tests.support import exports
from tests.support.members import adds_up, crowd_of
from tests.support.sandbox import RunningSandbox

CROWD = [f"p{n:02}@example.com" for n in range(8)]


@pytest.fixture
def crowd(account: RunningSandbox, db: None) -> Segment:
    return crowd_of(CROWD)


@pytest.fixture
def old_list(account: RunningSandbox) -> str:
    return account.create_list("Old", scope="OnlyThisList", fields=[("Left", "Text")])


@pytest.fixture
def new_list(account: RunningSandbox) -> str:
    return account.create_list("New", scope="OnlyThisList")


@pytest.fixture
def shop(account: RunningSandbox, shared: Connection, crowd: Segment, old_list: str, bob: User) -> Export:
    """Make Bob's export, which has added all profiles to the former list."""
    mapping = [{"attribute": "first_name", "field": "name"}]
    export = exports.export_to(account, shared, crowd, list_id=old_list, mapping=mapping, name="Shop", by=bob)
    assert run_to_its_end(export).delivered == len(CROWD)
    return export


def typed(account: RunningSandbox, export: Export, list_id: str, **changes: Any) -> dict[str, Any]:
    """The pane of the export as it is posted, with another list."""
    assert export.connection is not None
    data = complete(account, export.connection, export.segments.get(), list_id=list_id)
    export.refresh_from_db()
    same = {"name": export.name, "map_attribute": ["first_name"], "map_field": ["name"]}
    return data | same | {"version": export.version} | changes


def moved(account: RunningSandbox, export: Export, list_id: str, client: Client, **changes: Any) -> Run | None:
    """The cleanup that follows from saving the export with another list."""
    answer = client.post(edit_url(export), typed(account, export, list_id, **changes))
    assert answer.status_code == 302, answer.content.decode()
    export.refresh_from_db()
    return export.runs.filter(kind="list_cleanup").order_by("pk").last()


def to_its_end(run: Run) -> Run:
    while run.is_open:
        pipeline.run_slice(run.pk)
        run.refresh_from_db()
    assert adds_up(run)
    return run


def is_gone(export: Export) -> bool:
    return not Export.objects.filter(pk=export.pk).exists()


def start(export: Export, list_id: str, by: User, *, connection: Connection | None = None) -> Run:
    """Move the export to another list, and delete all contacts from the former one."""
    export.refresh_from_db()
    settings = manage.ExportSettings(
        name=export.name,
        connection=connection or export.connection,
        list_id=list_id,
        email_attribute=export.email_attribute,
        segments=list(export.segments.all()),
        mapping=export.mapping,
        answers=export.answers,
    )
    list_cleanup.move(export, settings, CleanupSettings(Removal.DELETE, people=8), version=export.version, by=by)
    export.refresh_from_db()
    return export.runs.filter(kind="list_cleanup").latest("pk")
