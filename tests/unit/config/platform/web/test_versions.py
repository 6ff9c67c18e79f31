"""Stale saves."""

import pytest
from django.db import transaction

from config.platform.accounts import actions
from config.platform.accounts.models import User
from config.platform.web.versions import Gone, StaleEdit, take_version, version_from


def test_it_takes_the_version_that_was_read(alice: User) -> None:
    with transaction.atomic():
        assert take_version(alice, 1) == 2
    assert alice.version == 2
    assert User.objects.get(pk=alice.pk).version == 2


def test_it_tells_what_changed_since(alice: User, bob: User) -> None:
    old = User.objects.get(pk=bob.pk)
    for role in ("viewer", "administrator"):
        bob = actions.edit_user(
            user=bob, version=bob.version, full_name=bob.full_name, email=bob.email, role=role, by=alice
        )
    with pytest.raises(StaleEdit) as caught, transaction.atomic():
        take_version(old, 1)
    assert caught.value.newest == 3
    assert [change.fields for change in caught.value.changes] == [
        [("Role", "contributor", "viewer")],
        [("Role", "viewer", "administrator")],
    ]
    assert old.version == 1


def test_it_tells_that_the_row_is_gone(bob: User) -> None:
    kept = User.objects.get(pk=bob.pk)
    bob.delete()
    with pytest.raises(Gone), transaction.atomic():
        take_version(kept, 1)


@pytest.mark.parametrize(
    ("posted", "version"),
    [
        ({"version": "3"}, 3),
        ({"version": "3", "overwrite_version": "5"}, 5),
        ({}, 0),
        ({"version": "-1"}, 0),
        ({"version": "٣"}, 0),
        ({"version": "9" * 40}, 0),
    ],
)
def test_it_reads_what_was_posted(posted: dict[str, str], version: int) -> None:
    assert version_from(posted) == version
