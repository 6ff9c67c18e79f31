"""Choose the recipients of alerts: administrators, users who chose to be notified, further addresses of the
subject, and the webhook. Each user chooses the kinds."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.accounts import actions
from config.platform.accounts.actions import administrators
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.notifications import mail
from config.platform.notifications.models import KIND_MEANINGS, Channel, Kind

Recipient = tuple[Channel, str]


def recipients_of(kind: Kind, also: Iterable[str] = (), only: Iterable[str] | None = None) -> Sequence[Recipient]:
    """Return the recipients of a condition of that kind, each once, whatever the case of the address. ``also``
    are further addresses, ``only`` those that are notified in place of all. The webhook receives every kind."""
    addresses = _unique([*_emails_notified_of(kind), *also] if only is None else only)
    found = [(Channel.MAIL, address) for address in addresses] if mail.is_configured() else []
    return found + ([(Channel.WEBHOOK, "")] if settings.WEBHOOK_URL else [])


def notified_users() -> "QuerySet[User]":
    """Select the users who are notified by email: administrators unless they do not want it, others if they
    want it."""
    chosen = Q(hears_of_troubles=True) | Q(hears_of_troubles=None, pk__in=administrators().values("pk"))
    reachable = User.objects.filter(chosen, is_active=True, is_service=False).exclude(email="")
    return reachable if settings.DEMO else reachable.filter(is_demo=False)


def _emails_notified_of(kind: Kind) -> Iterable[str]:
    found = notified_users().exclude(unheard_kinds__contains=[kind])
    return found.order_by("pk").values_list("email", flat=True)


def _unique(addresses: Iterable[str]) -> Iterable[str]:
    return {address.casefold(): address for address in reversed(list(addresses))}.values()


class NotificationsForm(forms.Form):
    """Choose whether to be notified by email, and of which kinds."""

    hears_of_troubles = forms.BooleanField(
        label=gettext_lazy("Email me about problems and when they are resolved"), required=False
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Notify me about"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, user: User, data: Any = None) -> None:
        chosen_kinds = [kind.value for kind in KIND_MEANINGS if kind not in user.unheard_kinds]
        super().__init__(data, initial={"hears_of_troubles": is_notified(user), "kinds": chosen_kinds})
        kinds = self.fields["kinds"]
        assert isinstance(kinds, forms.MultipleChoiceField)  # noqa: S101
        kinds.choices = [
            (kind.value, format_html("<strong>{}</strong><small>{}</small>", kind.label, meaning))
            for kind, meaning in KIND_MEANINGS.items()
        ]
        if not user.email:
            self.fields["hears_of_troubles"].help_text = _("An administrator has to add your email address first.")


def choose_kinds(*, user: User, hears_of_troubles: bool, kinds: Collection[str]) -> None:
    """Save that ``user`` is notified of ``kinds`` alone, and of kinds that do not exist yet."""
    off = [kind.value for kind in KIND_MEANINGS if kind not in kinds]
    actions.save_preferences(user=user, hears_of_troubles=hears_of_troubles, unheard_kinds=off)


def is_notified(user: User) -> bool:
    """Return whether this user is notified, by their own choice or as administrators are."""
    chosen = user.hears_of_troubles
    return user.role == Role.ADMINISTRATOR if chosen is None else chosen


def users_with_kinds() -> list[tuple[User, str]]:
    """List the users who are notified by email, each with the number of kinds, see ``describe_kinds``."""
    return [(person, describe_kinds(person)) for person in notified_users().order_by("full_name", "username")]


def describe_kinds(user: User) -> str:
    """Return of how many kinds the user is notified, in words; empty for all of them."""
    chosen_kinds = sum(kind not in user.unheard_kinds for kind in KIND_MEANINGS)
    return (
        ""
        if chosen_kinds == len(KIND_MEANINGS)
        else _("%(n)d of %(all)d notifications") % {"n": chosen_kinds, "all": len(KIND_MEANINGS)}
    )
