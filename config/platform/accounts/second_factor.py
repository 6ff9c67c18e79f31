"""The second factor: who has one, what of it is recorded, and how an administrator takes it away."""

from typing import TYPE_CHECKING, Any

from allauth.core import context
from allauth.mfa import signals
from django.db import transaction
from django.db.models.signals import post_save

from config.platform.accounts import sessions
from config.platform.accounts.models import User
from config.platform.audit.record import record
from config.platform.encryption.encrypted_columns import SealedTexts

if TYPE_CHECKING:
    from allauth.mfa.models import Authenticator


def has_one(user: User) -> bool:
    """Whether a code is asked for when this person signs in."""
    return bool(_authenticators().filter(user_id=user.pk, type="totp").exists())


def people_with_one() -> set[int]:
    """Return the ids of users who have a second factor."""
    return set(_authenticators().filter(type="totp").values_list("user_id", flat=True))


@transaction.atomic
def reset(*, user: User, by: User) -> None:
    """Remove the second factor and recovery codes of a user, so that the password alone signs in again."""
    if _authenticators().filter(user_id=user.pk).delete()[0]:
        record("second factor reset", user, by=by)


def sealed_secrets() -> SealedTexts:
    """Where the keyring finds what codes are made from."""
    rows = _authenticators().order_by("pk")
    return SealedTexts(rows, "data", ("secret", "seed"), one="second factor", many="second factors")


def listen() -> None:
    """Record what users do to their own second factor; called once, when the application starts."""
    # allauth's own signal for this comes after the transaction; the record belongs inside.
    post_save.connect(_added, sender="mfa.Authenticator", dispatch_uid="audit_second_factor_added")
    signals.authenticator_removed.connect(_removed, dispatch_uid="audit_second_factor_removed")
    signals.authenticator_reset.connect(_made_codes, dispatch_uid="audit_second_factor_codes")
    signals.authenticator_used.connect(_used, dispatch_uid="audit_second_factor_used")


def _added(*, instance: "Authenticator", created: bool, **_: Any) -> None:
    if created and instance.type == "totp":
        record("second factor added", instance.user, by=instance.user)
        _end_other_sessions(instance.user)


def _end_other_sessions(user: User) -> None:
    """Sessions that began with the password alone end, except the one in which the second factor was set up."""
    request = context.request
    if request is not None and request.user.pk == user.pk:
        sessions.end_other_sessions(request, user)
    else:
        sessions.end_sessions(user)


def _removed(*, user: User, authenticator: "Authenticator", **_: Any) -> None:
    if authenticator.type == "totp":
        record("second factor removed", user, by=user)


def _made_codes(*, user: User, **_: Any) -> None:
    record("second factor codes", user, by=user)


def _used(*, user: User, authenticator: "Authenticator", **_: Any) -> None:
    if authenticator.type == "recovery_codes":
        record("recovery code used", user, by=user)


def _authenticators() -> Any:
    from allauth.mfa.models import Authenticator

    return Authenticator.objects
