"""Who hears of a condition: administrators, whoever chose to, whom the subject names, and the webhook."""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db.models import Q, QuerySet

from config.accounts.models import User
from config.accounts.policies import administrators
from config.notifications import mail
from config.notifications.models import Channel

Recipient = tuple[Channel, str]


def of_condition(also: Iterable[str] = (), only: Iterable[str] | None = None) -> Sequence[Recipient]:
    """Everybody to tell, each once, whatever the case of the address. ``also`` are further addresses, ``only``
    those that are told in place of everybody."""
    addresses = _each_once([*_of_everything(), *also] if only is None else only)
    found = [(Channel.MAIL, address) for address in addresses] if mail.is_configured() else []
    return found + ([(Channel.WEBHOOK, "")] if settings.WEBHOOK_URL else [])


def people() -> "QuerySet[User]":
    """Who is told of everything: administrators unless they do not want it, others if they want it."""
    chosen = Q(hears_of_troubles=True) | Q(hears_of_troubles=None, pk__in=administrators().values("pk"))
    reachable = User.objects.filter(chosen, is_active=True).exclude(email="")
    return reachable if settings.DEMO else reachable.filter(is_demo=False)


def _of_everything() -> Iterable[str]:
    return people().order_by("pk").values_list("email", flat=True)


def _each_once(addresses: Iterable[str]) -> Iterable[str]:
    return {address.casefold(): address for address in reversed(list(addresses))}.values()
