"""Make the accounts of the demo. Their password is public, so they sign in only where the demo is on."""

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role

PASSWORD = "demo"  # noqa: S105 - known to everybody, on purpose
_ACCOUNTS = (
    ("admin", "Alice Admin", Role.ADMINISTRATOR),
    ("contributor", "Bob Contributor", Role.CONTRIBUTOR),
    ("viewer", "Charlie Viewer", Role.VIEWER),
)


def make() -> list[str]:
    """Make those that are missing; their names. An account of that name that is there stays as it is."""
    made = []
    for username, full_name, role in _ACCOUNTS:
        if User.objects.find(username):
            continue
        user = User.objects.create_user(
            username, PASSWORD, role=role, email=f"{username}@example.com", is_demo=True
        )
        user.full_name = full_name
        user.save(update_fields=["full_name"])
        made.append(username)
    return made
