"""Advise one user about a run: its reason, what was sent, whether it is retried, and what to do, with a button for
users who can do it and the names of those who can for others."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.platform.accounts.actions import administrators
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.jobs.models import ENDED_WELL, JobStatus
from config.platform.text.word_lists import join_words
from config.platform.web.formats import number
from connections.permissions import user_can_manage_connections
from exports.models import Run
from exports.permissions import user_can_manage
from exports.reporting import messages
from exports.reporting.messages import SuggestedAction

_MOST_NAMES = 3

_BY_OTHERS: dict[SuggestedAction, str | Promise] = {
    SuggestedAction.EDIT_EXPORT: gettext_lazy("%(names)s can change this export."),
    SuggestedAction.RUN_AGAIN: gettext_lazy("%(names)s can run it again."),
    SuggestedAction.FIX_CONNECTION: gettext_lazy("%(names)s can fix the connection."),
    SuggestedAction.REFRESH_SEGMENTS: gettext_lazy("%(names)s can refresh the segments."),
}
_LABELS: dict[SuggestedAction, str | Promise] = {
    SuggestedAction.EDIT_EXPORT: gettext_lazy("Edit export"),
    SuggestedAction.SEE_REJECTED: gettext_lazy("See rejected contacts"),
    SuggestedAction.SEE_PEOPLE: gettext_lazy("See contacts"),
    SuggestedAction.FIX_CONNECTION: gettext_lazy("Open connection"),
    SuggestedAction.REFRESH_SEGMENTS: gettext_lazy("Open segments"),
}


@dataclass(frozen=True)
class Advice:
    """The texts, and where the button leads (``opens``: “pane” or nothing); empty for nothing to say."""

    explanation: str = ""
    sent: str = ""
    retry_note: str = ""
    next_step: str = ""
    label: str = ""
    url: str = ""
    opens: str = ""


def advise(run: Run, user: User) -> Advice:
    """Return the advice for ``user``, with one query at most."""
    message = messages.message_of_run(run)
    able = _can(user, run, message.action)
    return Advice(
        explanation=str(message.explanation),
        sent=_what_was_sent(run),
        retry_note=_retry_note(run),
        next_step=str(message.next_step) if able else _by_others(message.action),
        label=str(_LABELS.get(message.action, "")) if able else "",
        url=_address(run, message.action) if able else "",
        opens="pane" if message.action in (SuggestedAction.EDIT_EXPORT, SuggestedAction.FIX_CONNECTION) else "",
    )


def names_of_administrators() -> str:
    """Name the administrators to ask; the first of them by name."""
    names = [str(user) for user in administrators().order_by("full_name", "username")[: _MOST_NAMES + 1]]
    if not names:
        return _("An administrator")
    if len(names) > _MOST_NAMES:
        names = [*names[:_MOST_NAMES], _("other administrators")]
    return (
        _("%(some)s or %(last)s") % {"some": join_words(names[:-1]), "last": names[-1]} if names[1:] else names[0]
    )


def _can(user: User, run: Run, action: SuggestedAction) -> bool:
    if action in (SuggestedAction.EDIT_EXPORT, SuggestedAction.RUN_AGAIN):
        return user_can_manage(user, run.export)
    if action is SuggestedAction.FIX_CONNECTION:
        return user_can_manage_connections(user)
    if action is SuggestedAction.REFRESH_SEGMENTS:
        return user.may(Permission.SEGMENT_MANAGE)
    return True


def _by_others(action: SuggestedAction) -> str:
    return str(_BY_OTHERS[action]) % {"names": names_of_administrators()}


def _address(run: Run, action: SuggestedAction) -> str:
    if action is SuggestedAction.EDIT_EXPORT:
        return reverse("exports:edit", args=[run.export_id])
    if action is SuggestedAction.SEE_REJECTED:
        return f"{reverse('exports:contacts', args=[run.pk])}?kind=rejected"
    if action is SuggestedAction.SEE_PEOPLE:
        return reverse("exports:contacts", args=[run.pk])
    if action is SuggestedAction.FIX_CONNECTION and run.connection is not None:
        return reverse("connections:edit", args=[run.connection.pk])
    if action is SuggestedAction.REFRESH_SEGMENTS:
        return reverse("segments:list")
    return ""


def _what_was_sent(run: Run) -> str:
    if run.is_open or run.status in ENDED_WELL:
        return ""
    if not messages.texts_of(run).sends_contacts:
        return _what_was_removed(run)
    if not run.delivered:
        return _("No contact was sent.")
    sentence = ngettext(
        "%(people)s contact was already delivered and is not sent again.",
        "%(people)s contacts were already delivered and are not sent again.",
        run.delivered,
    )
    return sentence % {"people": number(run.delivered)}


def _what_was_removed(run: Run) -> str:
    if not run.removed:
        return _("No contact was removed from the list.")
    sentence = ngettext(
        "%(people)s contact was already removed.", "%(people)s contacts were already removed.", run.removed
    )
    return sentence % {"people": number(run.removed)}


def _retry_note(run: Run) -> str:
    if run.status in (JobStatus.FAILED, JobStatus.CANCELED, JobStatus.SKIPPED, JobStatus.NEEDS_CONFIRMATION):
        return _("This run is not retried automatically.")
    return ""
