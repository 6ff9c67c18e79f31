"""The doors by which the rest of the system says that something got worse, or is well again.

Call them inside the transaction that makes the change: what is told is then exactly what happened.

A test message to oneself and to the webhook, by the same way as any other.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.audit.record import record
from config.platform.jobs import clock
from config.platform.jobs.enqueue import enqueue_on_commit
from config.platform.notifications import recipients
from config.platform.notifications.models import Change, Channel, Condition, Kind, Notification
from config.platform.notifications.recipients import Recipient


@dataclass(frozen=True)
class Subject:
    """What a condition is about. ``path`` leads to the page that shows it."""

    kind: str
    key: str
    name: str
    path: str = ""


@transaction.atomic
def worsened(
    kind: Kind,
    subject: Subject,
    sentence: str = "",
    *,
    also: Iterable[str] = (),
    measure: int | None = None,
    again: bool = False,
    only: Iterable[str] | None = None,
    removals: Mapping[str, int] | None = None,
) -> Condition | None:
    """``subject`` is not as it should be. Told once while it lasts, ``also`` to these addresses, or ``only`` to
    those and the webhook; ``again`` when it is worse than when it was told. ``removals`` are figures for the
    webhook. The new condition; None when it was known."""
    if again:
        _open(subject, [kind]).update(closed_at=clock.now())
    try:
        with transaction.atomic():
            condition = Condition.objects.create(
                kind=kind,
                subject_kind=subject.kind,
                subject_key=subject.key,
                subject_name=subject.name[:200],
                path=subject.path,
                sentence=sentence,
                measure=measure,
                removals=removals,
            )
    except IntegrityError:
        _open(subject, [kind]).update(sentence=sentence, path=subject.path, removals=removals)
        return None
    _tell(condition, Change.OPENED, recipients.recipients_of(kind, also, only))
    return condition


@transaction.atomic
def recovered(kinds: Collection[Kind], subject: Subject) -> None:
    """Close the open conditions of these kinds, and notify once those who were notified of them."""
    closed = list(_open(subject, kinds).select_for_update().order_by("pk"))
    if not closed:
        return
    Condition.objects.filter(pk__in=[condition.pk for condition in closed]).update(
        closed_at=clock.now(), path=subject.path
    )
    told = Notification.objects.filter(condition__in=closed, change=Change.OPENED)
    pairs = sorted(set(told.values_list("channel", "recipient")))
    _tell(closed[0], Change.CLOSED, [(Channel(channel), recipient) for channel, recipient in pairs])


def forget(subject: Subject) -> None:
    """Close the conditions of a subject that no longer exists, without a notification."""
    _open(subject, list(Kind)).update(closed_at=clock.now())


@dataclass(frozen=True)
class Trouble:
    """Something that is found to be the matter when one looks."""

    kind: Kind
    subject: Subject
    sentence: str
    also: Sequence[str] = ()


def reconcile(
    kinds: Collection[Kind], subject_kind: str, troubles: Iterable[Trouble], *, existing: Collection[str]
) -> None:
    """Make the open conditions of these kinds be what a look has found: ``troubles``, among subjects whose keys
    are ``existing``. Costs one query when nothing has changed."""
    found = {(trouble.kind, trouble.subject.key): trouble for trouble in troubles}
    known = Condition.objects.filter(kind__in=kinds, subject_kind=subject_kind, closed_at=None)
    standing = {(Kind(condition.kind), condition.subject_key): condition for condition in known}
    for at in found.keys() - standing.keys():
        trouble = found[at]
        worsened(trouble.kind, trouble.subject, trouble.sentence, also=trouble.also)
    for (kind, key), condition in standing.items():
        subject = Subject(subject_kind, key, condition.subject_name, condition.path)
        if key not in existing:
            forget(subject)
        elif (kind, key) not in found:
            recovered([kind], subject)


def open_of(kind: Kind, subject: Subject) -> Condition | None:
    """The condition of that kind, if it lasts."""
    return _open(subject, [kind]).first()


def _open(subject: Subject, kinds: Collection[Kind]) -> "QuerySet[Condition]":
    return Condition.objects.filter(
        kind__in=kinds, subject_kind=subject.kind, subject_key=subject.key, closed_at=None
    )


def _tell(condition: Condition, change: Change, to: Sequence[Recipient]) -> None:
    told = [
        Notification(condition=condition, change=change, channel=channel, recipient=recipient)
        for channel, recipient in to
    ]
    for notification in Notification.objects.bulk_create(told):
        enqueue_on_commit("config.platform.notifications.tasks.send_notification", notification.pk)


@transaction.atomic
def send_test(*, by: User) -> int:
    """To how many it goes: to ``by``, if there is an address and a mail server, and to the webhook."""
    check_permission(by, Permission.SYSTEM_MANAGE)
    subject = Subject("user", str(by.pk), str(by))
    sentence = _("This is only a test, asked for by %(name)s. Nothing is the matter.") % {"name": by}
    condition = worsened(Kind.TEST, subject, sentence, only=[by.email] if by.email else [], again=True)
    forget(subject)
    record("test_sent", by, by=by)
    return condition.notifications.count() if condition else 0
