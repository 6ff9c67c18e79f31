"""Open and close alerts: conditions that people are notified of once, until they end.

Call these functions inside the transaction that makes the change, so that a notification tells exactly what
happened. ``send_test`` sends a test message the same way.
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
from config.platform.notifications import condition_events, hooks, recipients
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
def open_alert(
    kind: Kind,
    subject: Subject,
    sentence: str = "",
    *,
    also: Iterable[str] = (),
    measure: int | None = None,
    again: bool = False,
    only: Iterable[str] | None = None,
    results: Mapping[str, int] | None = None,
) -> Condition | None:
    """Open an alert that ``subject`` is not as it should be, and notify once while it lasts.

    ``also`` are further addresses; ``only`` are notified in place of all others but the webhook. ``again``
    notifies once more, because it is worse than before. ``results`` are numbers for the webhook. Returns the
    new condition; None when it was open already."""
    if again:
        _open(subject, [kind]).update(closed_at=clock.now())
    scope = hooks.scope_of(subject.kind, subject.key)
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
                results=results,
                export_ids=list(scope.export_ids),
                connection_ids=list(scope.connection_ids),
            )
    except IntegrityError:
        _open(subject, [kind]).update(sentence=sentence, path=subject.path, results=results)
        return None
    _notify(condition, Change.OPENED, recipients.recipients_of(kind, also, only))
    condition_events.emit_opened(condition)
    return condition


@transaction.atomic
def close_alerts(kinds: Collection[Kind], subject: Subject) -> None:
    """Close the open conditions of these kinds, and notify once those who were notified of them."""
    closed = list(_open(subject, kinds).select_for_update().order_by("pk"))
    if not closed:
        return
    Condition.objects.filter(pk__in=[condition.pk for condition in closed]).update(
        closed_at=clock.now(), path=subject.path
    )
    notifications = Notification.objects.filter(condition__in=closed, change=Change.OPENED)
    pairs = sorted(set(notifications.values_list("channel", "recipient")))
    _notify(closed[0], Change.CLOSED, [(Channel(channel), recipient) for channel, recipient in pairs])
    condition_events.emit_resolved(closed)


def forget(subject: Subject) -> None:
    """Close the conditions of a subject that no longer exists, without a notification to users."""
    closed = list(_open(subject, list(Kind)).order_by("pk"))
    if closed:
        Condition.objects.filter(pk__in=[condition.pk for condition in closed]).update(closed_at=clock.now())
        condition_events.emit_resolved(closed)


@dataclass(frozen=True)
class Alert:
    """A condition that reconcile() is given."""

    kind: Kind
    subject: Subject
    sentence: str
    also: Sequence[str] = ()


def reconcile(
    kinds: Collection[Kind], subject_kind: str, found_alerts: Iterable[Alert], *, existing: Collection[str]
) -> None:
    """Open and close the conditions of these kinds so that they equal ``found_alerts``, among subjects whose
    keys are ``existing``. One query when nothing has changed."""
    found = {(alert.kind, alert.subject.key): alert for alert in found_alerts}
    known = Condition.objects.filter(kind__in=kinds, subject_kind=subject_kind, closed_at=None)
    standing = {(Kind(condition.kind), condition.subject_key): condition for condition in known}
    for at in found.keys() - standing.keys():
        alert = found[at]
        open_alert(alert.kind, alert.subject, alert.sentence, also=alert.also)
    for (kind, key), condition in standing.items():
        subject = Subject(subject_kind, key, condition.subject_name, condition.path)
        if key not in existing:
            forget(subject)
        elif (kind, key) not in found:
            close_alerts([kind], subject)


def open_of(kind: Kind, subject: Subject) -> Condition | None:
    """Return the open condition of that kind; None when there is none."""
    return _open(subject, [kind]).first()


def subjects_with_alerts(subject_kind: str, keys: Collection[str]) -> set[str]:
    """Return the keys of those of these subjects that have open conditions."""
    found = Condition.objects.filter(subject_kind=subject_kind, subject_key__in=keys, closed_at=None)
    return set(found.values_list("subject_key", flat=True))


def _open(subject: Subject, kinds: Collection[Kind]) -> "QuerySet[Condition]":
    return Condition.objects.filter(
        kind__in=kinds, subject_kind=subject.kind, subject_key=subject.key, closed_at=None
    )


def _notify(condition: Condition, change: Change, to: Sequence[Recipient]) -> None:
    notifications = [
        Notification(condition=condition, change=change, channel=channel, recipient=recipient)
        for channel, recipient in to
    ]
    for notification in Notification.objects.bulk_create(notifications):
        enqueue_on_commit("config.platform.notifications.tasks.send_notification", notification.pk)


@transaction.atomic
def send_test(*, by: User) -> int:
    """Send a test message to ``by``, if there is an address and a mail server, and to the webhook. Returns to
    how many."""
    check_permission(by, Permission.SYSTEM_MANAGE)
    subject = Subject("user", str(by.pk), str(by))
    sentence = _("This is a test notification, requested by %(name)s. There is no problem.") % {"name": by}
    condition = open_alert(Kind.TEST, subject, sentence, only=[by.email] if by.email else [], again=True)
    forget(subject)
    record("test_sent", by, by=by)
    return condition.notifications.count() if condition else 0
