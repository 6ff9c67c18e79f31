"""Case 21: a user name with a dotless ı at sign-in does not pass the lockout of another name, nor its password."""

import pytest
from django.test import Client

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role

PASSWORD = "a-long-password"


def sign_in(username: str, password: str) -> str:
    """Where sign-in leads to, or the page that it shows."""
    answer = Client().post("/accounts/sign-in/", {"username": username, "password": password})
    return answer["Location"] if answer.status_code == 302 else answer.content.decode()


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_user("admin2", PASSWORD, role=Role.ADMINISTRATOR)


def test_a_lookalike_name_does_not_sign_in(admin: User) -> None:
    assert "is incorrect" in sign_in("adm\u0131n2", PASSWORD)


@pytest.mark.parametrize("spelling", ["ADMIN2", " admin2 ", "\uff41dmin2", "admi\uff4e2"])
def test_every_spelling_of_a_name_has_one_account_and_one_counter(admin: User, spelling: str) -> None:
    assert sign_in(spelling, PASSWORD) == "/"
    for _ in range(5):
        assert "is incorrect" in sign_in(spelling, "wrong")
    assert "Too many failed attempts." in sign_in("admin2", PASSWORD)
