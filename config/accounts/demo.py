"""The demo accounts: names and a password that everybody may know, since they sign in only where DEMO is on."""

from config.accounts.models import User
from config.accounts.roles import Role

PASSWORD = "demo"  # noqa: S105 — printed on the sign-in page on purpose
ACCOUNTS = {
    "admin": ("Alice Adams", Role.ADMINISTRATOR),
    "contributor": ("Bob Brown", Role.CONTRIBUTOR),
    "viewer": ("Charlie Clark", Role.VIEWER),
}


def make_accounts() -> list[User]:
    """Make the demo accounts that are missing; all of them, as they are now."""
    for username, (full_name, role) in ACCOUNTS.items():
        if not User.objects.filter(username__iexact=username).exists():
            user = User.objects.create_user(username, PASSWORD, role=role, is_demo=True)
            user.full_name = full_name
            user.save(update_fields=["full_name"])
    return list(User.objects.filter(is_demo=True).order_by("pk"))
