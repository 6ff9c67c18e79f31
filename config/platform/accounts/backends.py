"""Who may sign in."""

from django.conf import settings
from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from config.platform.accounts.models import User


class AccountBackend(BaseBackend):
    """User name and password; demo accounts only where the demo is on."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: object
    ) -> User | None:
        if username is None or password is None:
            return None
        user = User.objects.find(username)
        if user is None:
            User().set_password(password)  # takes as long as a real check, so that names cannot be guessed by time
            return None
        return user if user.check_password(password) and may_sign_in(user) else None

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.filter(pk=user_id).first()
        return user if user is not None and may_sign_in(user) else None


def may_sign_in(user: User) -> bool:
    """Active, and not a demo account outside the demo."""
    return user.is_active and (settings.DEMO or not user.is_demo)
