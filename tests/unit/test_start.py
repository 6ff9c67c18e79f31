"""The house stands: migrations apply, and the clock is one."""

import pytest
from django.contrib.auth import authenticate

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role


@pytest.mark.django_db
def test_it_refuses_a_demo_account_outside_the_demo() -> None:
    User.objects.create_user("admin", "demo", role=Role.ADMINISTRATOR, is_demo=True)
    assert authenticate(username="admin", password="demo") is None
