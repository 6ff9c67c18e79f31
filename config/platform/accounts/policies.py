"""Check whether an account may be changed in its present state; permissions.py says who may. A refusal is a
NotNow."""

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role


class NotNow(Exception):
    """The action is not possible in the present state. The message is a sentence to show."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def administrators() -> "QuerySet[User]":
    """Select users who can administer: active, and no demo account outside the demo."""
    found = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True)
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
