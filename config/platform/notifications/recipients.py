"""Choose the recipients of a condition: administrators, users who chose to be notified, further addresses of
the subject, and the webhook."""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db.models import Q, QuerySet

from config.platform.accounts.models import User
from config.platform.accounts.policies import administrators
from config.platform.notifications import mail
from config.platform.notifications.kinds import Kind
from config.platform.notifications.models import Channel

Recipient = tuple[Channel, str]


def of_condition(kind: Kind, also: Iterable[str] = (), only: Iterable[str] | None = None) -> Sequence[Recipient]:
    """Return the recipients of a condition of that kind, each once, whatever the case of the address. ``also``
    are further addresses, ``only`` those that are notified in place of all. The webhook receives every kind."""
    addresses = _each_once([*_who_hear_of(kind), *also] if only is None else only)
    found = [(Channel.MAIL, address) for address in addresses] if mail.is_configured() else []
    return found + ([(Channel.WEBHOOK, "")] if settings.WEBHOOK_URL else [])


def people() -> "QuerySet[User]":
    """Who is told by email, unless they have chosen not to hear of a kind: administrators unless they do not want
    it, others if they want it."""
    chosen = Q(hears_of_troubles=True) | Q(hears_of_troubles=None, pk__in=administrators().values("pk"))
    reachable = User.objects.filter(chosen, is_active=True).exclude(email="")
    return reachable if settings.DEMO else reachable.filter(is_demo=False)


def _who_hear_of(kind: Kind) -> Iterable[str]:
    found = people().exclude(unheard_kinds__contains=[kind])
    return found.order_by("pk").values_list("email", flat=True)


def _each_once(addresses: Iterable[str]) -> Iterable[str]:
    return {address.casefold(): address for address in reversed(list(addresses))}.values()
