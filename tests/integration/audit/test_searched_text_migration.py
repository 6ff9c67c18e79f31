"""The migration that removes searched texts from entries of earlier downloads."""

from importlib import import_module

import pytest
from django.db import DatabaseError, connection, transaction

from config.platform.audit.models import AuditEntry

FORWARD = import_module("config.platform.audit.migrations.0005_no_searched_text").FORWARD


def _entry(changes: dict[str, object], action: str = "downloaded") -> AuditEntry:
    return AuditEntry.objects.create(action=action, target_kind="auditrecord", changes=changes)


@pytest.mark.django_db
def test_it_removes_searched_texts_and_nothing_else_and_the_record_stays_append_only() -> None:
    searched = _entry({"filters": [None, {"kind": "user", "text": "ann@example.com"}]})
    people = _entry({"people": [None, {"kind": "rejected", "q": "ann@example.com"}]})
    other = _entry({"filters": [None, {"text": "kept"}]}, action="edited")
    plain = _entry({})
    with connection.cursor() as cursor:
        cursor.execute(FORWARD)
    for entry in (searched, people, other, plain):
        entry.refresh_from_db()
    assert searched.changes == {"filters": [None, {"kind": "user", "text": "…"}]}
    assert people.changes == {"people": [None, {"kind": "rejected", "q": "…"}]}
    assert other.changes == {"filters": [None, {"text": "kept"}]}
    assert plain.changes == {}
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.filter(pk=plain.pk).update(action="forged")
