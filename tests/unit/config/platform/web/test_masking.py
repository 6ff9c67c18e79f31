"""Personal data, masked."""

import pytest
from django.contrib.auth.models import AnonymousUser

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.web.formats import mask, masked


@pytest.mark.parametrize(
    ("whole", "shown"),
    [
        ("alice@example.com", "a•••@e•••.com"),
        ("b@mail.example.co.uk", "b•••@m•••.uk"),
        ("someone@localhost", "s•••@•••"),
        ("Helsinki", "•••"),
        ("@example.com", "•••"),
        ("alice@", "•••"),
        ("李@example.com", "李•••@e•••.com"),
        ("a@.com", "a•••@•••"),
    ],
)
def test_it_leaves_no_more_than_initials(whole: str, shown: str) -> None:
    assert mask(whole) == shown


@pytest.mark.parametrize("role", [Role.CONTRIBUTOR, Role.ADMINISTRATOR])
def test_it_shows_everything_to_users_who_may_see_it(role: Role) -> None:
    assert masked("alice@example.com", User(role=role)) == "alice@example.com"


def test_it_masks_for_viewers_strangers_and_deactivated_accounts() -> None:
    for user in (User(role=Role.VIEWER), AnonymousUser(), None, User(role=Role.CONTRIBUTOR, is_active=False)):
        assert masked("alice@example.com", user) == "a•••@e•••.com"


@pytest.mark.parametrize("nothing", [None, ""])
def test_it_leaves_nothing_as_nothing(nothing: str | None) -> None:
    assert masked(nothing, None) == ""


def test_it_masks_zero_and_no() -> None:
    assert masked(0, None) == masked(False, None) == "•••"
