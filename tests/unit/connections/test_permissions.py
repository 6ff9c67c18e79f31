"""Who may manage connections, and who may use one."""

import pytest
from django.core.exceptions import PermissionDenied

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from connections.permissions import check_can_manage_connections, user_can_manage_connections, user_can_use
from tests.support.connections import make_connection


def test_only_administrators_manage_them(alice: User, bob: User, charlie: User) -> None:
    assert [user_can_manage_connections(user) for user in (alice, bob, charlie)] == [True, False, False]
    with pytest.raises(PermissionDenied):
        check_can_manage_connections(bob)


def test_an_administrator_uses_every_connection(alice: User) -> None:
    assert user_can_use(alice, make_connection(alice))


def test_a_contributor_uses_only_what_is_shared(alice: User, bob: User) -> None:
    assert not user_can_use(bob, make_connection(alice))
    assert user_can_use(bob, make_connection(alice, "Shared", allowed_roles=[Role.CONTRIBUTOR]))


def test_a_viewer_uses_none_whatever_the_row_says(alice: User, charlie: User) -> None:
    connection = make_connection(alice)
    connection.allowed_roles = [Role.VIEWER]
    assert not user_can_use(charlie, connection)


def test_a_deactivated_administrator_uses_none(alice: User) -> None:
    connection = make_connection(alice)
    alice.is_active = False
    assert not user_can_use(alice, connection)
