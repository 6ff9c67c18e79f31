"""Make exports that remove contacts, and read what became of the contacts on their list."""

from typing import Any

from exports.models import Export, Removal, Run
from segments.models import Segment
from tests.integration.exports.conftest import run_to_its_end
from tests.support import exports
from tests.support.members import adds_up
from tests.support.sandbox import RunningSandbox


def export_of(account: RunningSandbox, segment: Segment, removal: Removal, **settings: Any) -> Export:
    """An export to a list of its own with a field to mark in."""
    list_id = settings.pop("list_id", None) or account.create_list(
        "Shop", scope=settings.pop("scope", "OnlyThisList"), fields=[("Left", "Text")]
    )
    connection = settings.pop("connection", None) or exports.sandbox_connection(account)
    mapping = [{"attribute": "first_name", "field": "name"}]
    export = exports.export_to(account, connection, segment, list_id=list_id, mapping=mapping, **settings)
    export.removal, export.mark_field, export.mark_value = removal, "[Left]", "Removed"
    export.save()
    return export


def run(export: Export) -> Run:
    ended = run_to_its_end(export)
    assert adds_up(ended)
    return ended


def marks(account: RunningSandbox, list_id: str) -> set[str]:
    return {
        person["EmailAddress"]
        for person in account.people(list_id)
        if {"Key": "Left", "Value": "Removed"} in person["CustomFields"]
    }
