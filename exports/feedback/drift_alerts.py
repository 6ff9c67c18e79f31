"""Notify of a list that differs much from what exports know of it, until a comparison finds less."""

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.notifications import alerts
from config.platform.notifications.alerts import Subject
from config.platform.notifications.models import Kind
from exports.models import DeliveredSet, ListComparison, ListState
from exports.reporting import run_events


def update(comparison: ListComparison) -> None:
    """Open or close the alert of a list by its last comparison. Subscribers who came from elsewhere do not count:
    a list may have other sources."""
    differing = comparison.other_state + comparison.other_data + comparison.gone
    subject = subject_of(comparison.list_state)
    if differing * 100 <= comparison.contacts * settings.LIST_DRIFT_PERCENT:
        alerts.close_alerts([Kind.DRIFT], subject)
        return
    sentence = _(
        "%(differing)d of %(contacts)d contacts differ: %(state)d have another status, %(data)d have other data, "
        "%(gone)d are not on the list."
    ) % {
        "differing": differing,
        "contacts": comparison.contacts,
        "state": comparison.other_state,
        "data": comparison.other_data,
        "gone": comparison.gone,
    }
    run_events.emit_drift(comparison, subject.name)
    results = {"other_state": comparison.other_state, "other_data": comparison.other_data, "gone": comparison.gone}
    alerts.open_alert(Kind.DRIFT, subject, sentence, also=_recipients(comparison.list_state), results=results)


def forget(state: ListState) -> None:
    """Close the alert of a list of which nothing is known any more."""
    alerts.forget(subject_of(state))


def subject_of(state: ListState) -> Subject:
    """Return the subject of alerts about a list: its title, and the page of an export that shows it."""
    known = DeliveredSet.objects.filter(list_state=state).exclude(list_title="").order_by("-pk").first()
    export = next(iter(run_events.exports_to(state)), None)
    path = reverse("exports:list_state", args=[export.pk]) if export else ""
    return Subject("list", str(state.pk), known.list_title if known else state.list_id, path)


def _recipients(state: ListState) -> list[str]:
    return sorted({address for export in run_events.exports_to(state) for address in export.tell_also})
