"""Change accounts. Each action is signed with ``by`` and recorded in the audit in the same transaction."""

from django.db import transaction

from config.platform.accounts import lockout, policies, sessions
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.audit.record import record
from config.platform.web.versions import take_version


@transaction.atomic
def add_user(*, username: str, full_name: str, email: str, role: str, password: str, by: User | None) -> User:
    """Create an account; ``by`` is None for the command line. ``password`` must have been validated."""
    user = User.objects.create_user(username, password, role=role, email=email)
    user.full_name = full_name
    user.save(update_fields=["full_name"])
    record("added", user, by=by, changes={"role": (None, role)}, version=user.version)
    return user


@transaction.atomic
def invite_user(*, username: str, full_name: str, email: str, role: str, by: User) -> User:
    """Create an account that cannot be signed in to until the person has chosen a password."""
    user = User(username=username, full_name=full_name, email=User.objects.normalize_email(email), role=role)
    user.set_unusable_password()
    user.save()
    changes: dict[str, tuple[object, object]] = {"role": (None, role)}
    if user.email:
        changes["email"] = (None, user.email)
    record("added", user, by=by, changes=changes, version=user.version)
    return user


def note_invitation(*, user: User, by: User, mailed: bool) -> None:
    """Record that a user was given a link to choose a password; never the link."""
    record("invited", user, by=by, changes={"mailed": (None, mailed)})


@transaction.atomic
def edit_user(*, user: User, version: int, full_name: str, email: str, role: str, by: User) -> User:
    """Change name, email and role. Raises StaleEdit, and NotNow for the last administrator."""
    before = User.objects.get(pk=user.pk)
    if before.role == Role.ADMINISTRATOR and role != Role.ADMINISTRATOR:
        policies.check_can_stop_administering(before)
    take_version(user, version)
    values = {"full_name": full_name, "email": email, "role": role}
    changes = {name: (getattr(before, name), new) for name, new in values.items() if getattr(before, name) != new}
    User.objects.filter(pk=user.pk).update(**values)
    record("edited", user, by=by, changes=changes, version=user.version)
    user.refresh_from_db()
    return user


@transaction.atomic
def save_preferences(*, user: User, **chosen: str | bool | list[str] | None) -> None:
    """Save the language, formats and notifications that a user chose: fields of User."""
    before = {name: getattr(user, name) for name in chosen}
    changes = {name: (before[name], new) for name, new in chosen.items() if before[name] != new}
    if not changes:
        return
    User.objects.filter(pk=user.pk).update(**chosen)
    record("edited", user, by=user, changes=changes)


@transaction.atomic
def set_password(*, user: User, password: str, by: User) -> None:
    """Set a password chosen by an administrator. All sessions of the account end."""
    user.set_password(password)
    user.save(update_fields=["password"])
    record("set password", user, by=by)
    lockout.forget(user.username)


@transaction.atomic
def change_password(*, user: User, password: str) -> None:
    """Set a password that the user chose, having typed the present one."""
    user.set_password(password)
    user.save(update_fields=["password"])
    record("password changed", user, by=user)


@transaction.atomic
def choose_password(*, user: User, password: str) -> None:
    """Set a password chosen by the link that was sent to the user."""
    user.set_password(password)
    user.save(update_fields=["password"])
    record("password reset", user, by=user)
    lockout.forget(user.username)


@transaction.atomic
def deactivate_user(*, user: User, by: User) -> None:
    """Deactivate an account: sign-in ends at once, and what the person made stays. Raises NotNow."""
    policies.check_can_deactivate(user, by=by)
    _set_active(user, False, by)


@transaction.atomic
def activate_user(*, user: User, by: User) -> None:
    """Let the user sign in again."""
    _set_active(user, True, by)


@transaction.atomic
def remove_user(*, user: User, by: User) -> None:
    """Delete an account; what the person made stays, and so does the record of what they did. Raises NotNow."""
    policies.check_can_remove(user, by=by)
    gone: dict[str, tuple[object, object]] = {
        "username": (user.username, None),
        "email": (user.email, None),
        "role": (user.role, None),
    }
    record("removed", user, by=by, changes=gone)
    user.delete()


def _set_active(user: User, active: bool, by: User) -> None:
    if user.is_active == active:
        return
    take_version(user, user.version)
    user.is_active = active
    user.save(update_fields=["is_active"])
    if not active:
        sessions.end_sessions(user)
    changes: dict[str, tuple[object, object]] = {"is_active": (not active, active)}
    record("activated" if active else "deactivated", user, by=by, changes=changes, version=user.version)
