"""Change accounts. Each action is signed with ``by`` and recorded in the audit in the same transaction."""

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from config.platform.accounts import api_tokens, lockout, sessions
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
        check_can_stop_administering(before)
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
def set_password(*, user: User, password: str, by: User, action: str = "set password") -> None:
    """Set a password, which ends the sessions of the account. ``action`` is for the audit: “set password” by an
    administrator, “password reset” by a link that was sent, or “password changed” by a user who typed the present
    one. Only then failed sign-ins still count, and API tokens stay: otherwise another person may know the old
    password, and may have made tokens with it."""
    user.set_password(password)
    user.save(update_fields=["password"])
    record(action, user, by=by)
    if action != "password changed":
        lockout.forget(user.username)
        api_tokens.revoke_all(user=user, by=by)


@transaction.atomic
def deactivate_user(*, user: User, by: User) -> None:
    """Deactivate an account: sign-in ends at once, and what the person made stays. Raises NotNow."""
    check_can_deactivate(user, by=by)
    _set_active(user, False, by)


@transaction.atomic
def activate_user(*, user: User, by: User) -> None:
    """Let the user sign in again."""
    _set_active(user, True, by)


@transaction.atomic
def remove_user(*, user: User, by: User) -> None:
    """Delete an account; what the person made stays, and so does the record of what they did. Raises NotNow."""
    check_can_remove(user, by=by)
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
        if not user.is_service:  # they do not come back when the account is activated
            api_tokens.revoke_all(user=user, by=by)
    changes: dict[str, tuple[object, object]] = {"is_active": (not active, active)}
    record("activated" if active else "deactivated", user, by=by, changes=changes, version=user.version)


class NotNow(Exception):
    """The action is not possible in the present state. The message is a sentence to show."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def administrators() -> "QuerySet[User]":
    """Select users who can administer: active, no service account, and no demo account outside the demo."""
    found = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True, is_service=False)
    return found if settings.DEMO else found.filter(is_demo=False)


def check_can_stop_administering(user: User) -> None:
    """Refuse to lose the last administrator. Inside a transaction it also makes two who step down at the same
    moment wait for each other."""
    others = list(administrators().select_for_update().order_by("pk").values_list("pk", flat=True))
    if others == [user.pk]:
        raise NotNow(
            _("“%(name)s” is the last administrator. Give another user the administrator role first.")
            % {"name": user}
        )


def check_can_deactivate(user: User, *, by: User) -> None:
    """Raise NotNow when users would deactivate themselves, or no administrator would be left."""
    if user.pk == by.pk:
        raise NotNow(_("You cannot deactivate your own account. Ask another administrator."))
    check_can_stop_administering(user)


def check_can_remove(user: User, *, by: User) -> None:
    """Raise NotNow when users would remove themselves, or no administrator would be left."""
    if user.pk == by.pk:
        raise NotNow(_("You cannot remove your own account. Ask another administrator."))
    check_can_stop_administering(user)


def check_can_invite(user: User) -> None:
    """Raise NotNow when the user has signed in or has a password: links to choose the first one are for others."""
    if not user.is_invited:
        raise NotNow(_("“%(name)s” has already signed in. Set a new password instead.") % {"name": user})
