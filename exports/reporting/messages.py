"""Say for each reason of a run what it means, what to do next, and which action does it, and how the texts of run
kinds differ. next_steps.py names users who may do it to those who may not."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import cast

from django.db.models import Max
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from config.platform.text.stored_texts import translate_stored
from connections.destinations import values
from connections.destinations.subscribers import ListedState
from exports.models import IMPORTED, Outcome, OutcomeKind, Run, RunKind
from exports.state.plan_action import (
    BAD_EMAIL,
    CONTROL_GROUP,
    DUPLICATE,
    EXCLUSION,
    NO_CONSENT,
    NO_EMAIL,
    NO_PROFILE,
    NOT_IN_ANY_SEGMENT,
    NOT_USED_SEGMENT,
    UNANSWERED,
    UNMATCHED,
)
from exports.state.status import Reason


class SuggestedAction(Enum):
    """What fixes it."""

    NONE = "none"
    EDIT_EXPORT = "edit_export"
    RUN_AGAIN = "run_again"
    SEE_REJECTED = "see_rejected"
    SEE_PEOPLE = "see_people"
    FIX_CONNECTION = "mend_connection"
    REFRESH_SEGMENTS = "refresh_segments"


@dataclass(frozen=True)
class Message:
    """A reason in words; ``next_step`` addresses users who can do the ``action``."""

    explanation: str | Promise
    next_step: str | Promise = ""
    action: SuggestedAction = SuggestedAction.NONE


@dataclass(frozen=True)
class KindTexts:
    """How pages show a run of one kind."""

    sends_contacts: bool  # else it only removes some
    badge: str | Promise  # beside the title; empty for the usual kind
    planning: str | Promise
    removals_title: str | Promise
    removals_held: str | Promise  # for users who may not confirm them
    not_removed: str | Promise
    removal_policy: str | Promise
    after_cancel: str | Promise


_EXPORT_TEXTS = KindTexts(
    sends_contacts=True,
    badge="",
    planning=_("Comparing contacts with the list"),
    removals_title=_("Contacts who left the segments"),
    removals_held=_(
        "No contact has been removed from the list. A later run recalculates the removals, or an authorized user "
        "confirms them."
    ),
    not_removed=_("the next run tries again"),
    removal_policy=_("When contacts leave the segments"),
    after_cancel=_("Contacts already sent stay sent. The next run sends the rest."),
)
KIND_TEXTS: dict[RunKind, KindTexts] = {
    RunKind.EXPORT: _EXPORT_TEXTS,
    RunKind.RESTORE: _EXPORT_TEXTS,
    RunKind.LIST_CLEANUP: KindTexts(
        sends_contacts=False,
        badge=_("List cleanup"),
        planning=_("Finding contacts to remove"),
        removals_title=_("Contacts to remove"),
        removals_held=_("No contact has been removed from the list. An authorized user can confirm the removals."),
        not_removed="",
        removal_policy=_("When contacts leave the previous list"),
        after_cancel=_("Contacts already removed stay removed. The others stay on the list."),
    ),
}

_AGAIN = _("Then run the export again.")

MESSAGES: dict[Reason, Message] = {
    Reason.NONE: Message(""),
    Reason.LIST_BUSY: Message(
        _("Another export is sending to the same list. Only one export can send to a list at a time."),
        _("This run starts automatically when the other run ends."),
    ),
    Reason.REFRESH_UNDER_WAY: Message(
        _("A data source or segment of this export is being refreshed."),
        _("This run starts automatically when the refresh ends."),
    ),
    Reason.CONNECTION_BUSY: Message(
        _("Other exports use all parallel requests that this connection allows."),
        _("This run continues automatically within a minute."),
    ),
    Reason.CONNECTION_PAUSED: Message(
        _("An administrator has paused the connection of this export. No requests start while it is paused."),
        _("This run continues automatically when an administrator resumes the connection."),
    ),
    Reason.WAITING_FOR_DESTINATION: Message(
        _("The destination asked for fewer requests, or does not respond at the moment."),
        _("This run continues automatically."),
    ),
    Reason.NOTHING_CHANGED: Message(
        _("All contacts are up to date on the list. Nothing was sent."),
    ),
    Reason.NOTHING_NEW: Message(
        _("Nothing was sent: all contacts that can be sent are up to date on the list."),
        _("See the contacts and their results."),
        SuggestedAction.SEE_PEOPLE,
    ),
    Reason.NO_CONTACT_SENT: Message(
        _("No member of the segments is up to date on the list."),
        _("See the contacts and their results. They are sent again when their data changes."),
        SuggestedAction.SEE_PEOPLE,
    ),
    Reason.NO_MEMBERS: Message(
        _("No contact was sent, because the segments have no members."),
        _("Check the rules of the segments and their data sources."),
        SuggestedAction.REFRESH_SEGMENTS,
    ),
    Reason.SOME_REJECTED: Message(
        _("The destination rejected some contacts. The others were delivered."),
        _("See the rejected contacts and their reasons. They are sent again when their data changes."),
        SuggestedAction.SEE_REJECTED,
    ),
    Reason.REJECTED_AS_BEFORE: Message(
        _("The destination rejected only contacts that it had rejected before for the same reasons."),
        _("See the rejected contacts and their reasons."),
        SuggestedAction.SEE_REJECTED,
    ),
    Reason.REMOVALS_HELD: Message(
        _(
            "No contact was removed from the list. The number of removals is unusually high and "
            "needs confirmation."
        ),
        _(
            "Check the segments. If the number is correct, choose “Confirm removals”. The next run "
            "recalculates the removals."
        ),
    ),
    Reason.SOME_NOT_REMOVED: Message(
        _("The destination refused to remove some contacts from the list. The next run tries again."),
    ),
    Reason.NOTHING_TO_CLEAN_UP: Message(
        _("The list has no more contacts that only this export added."),
    ),
    Reason.CLEANUP_NOT_NEEDED: Message(
        _("The settings for this list cleanup have changed. No contact was removed from the list.")
    ),
    Reason.UNACCOUNTED: Message(
        _("The responses of the destination do not show whether some contacts were added to the list."),
        _("No action is needed. The next run sends these contacts again."),
    ),
    Reason.NO_CONNECTION: Message(
        _("This export has no connection."),
        _("Edit the export and choose a connection."),
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.CONNECTION_NOT_READY: Message(
        _("The connection cannot be used yet."),
        _("Complete its setup in Admin > Connections, then run the export again."),
        SuggestedAction.FIX_CONNECTION,
    ),
    Reason.RECONNECT_NEEDED: Message(
        _("The destination no longer accepts the credentials of this connection."),
        _("Reconnect it in Admin > Connections, then run the export again."),
        SuggestedAction.FIX_CONNECTION,
    ),
    Reason.NO_SEGMENTS: Message(
        _("No segment is chosen."), _("Edit the export and choose at least one."), SuggestedAction.EDIT_EXPORT
    ),
    Reason.SEGMENTS_NOT_REFRESHED: Message(
        _("A segment of this export has not been refreshed yet."),
        _("Refresh the segment, then run the export again."),
        SuggestedAction.REFRESH_SEGMENTS,
    ),
    Reason.UPSTREAM_FAILED: Message(
        _("A data source or segment of this export could not be refreshed, so the export was skipped."),
        _("It runs automatically with the next successful system refresh."),
    ),
    Reason.LIMITS: Message(
        _("The limits of the connection do not allow what this export would send."),
        _("Change the export, or ask an administrator to change the limits in Admin > Connections."),
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.LIST_REFUSED: Message(
        _("The destination refused the list or its settings."), _AGAIN, SuggestedAction.EDIT_EXPORT
    ),
    Reason.FIELDS_MISSING: Message(
        _("The settings of the export do not match the list."), _AGAIN, SuggestedAction.EDIT_EXPORT
    ),
    Reason.TOO_MANY_PROFILES: Message(
        _("The number of contacts is over the limit."),
        _("Choose a smaller segment, or split the contacts across several exports."),
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.ACCOUNT_FULL: Message(
        _("The destination accepts no more contacts: the plan of its account is full."),
        _AGAIN,
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.OPT_IN_MAIL: Message(
        _("The list asks every new contact to confirm by email."),
        _("Edit the export and accept these emails, then run it again."),
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.DESTINATION_UNAVAILABLE: Message(
        _("The destination did not respond after many attempts."), _AGAIN, SuggestedAction.RUN_AGAIN
    ),
    Reason.EVERYTHING_REFUSED: Message(
        _("The destination refused several requests in a row. The settings are probably wrong."),
        _("Read the response, fix the export or the list, then run the export again."),
        SuggestedAction.EDIT_EXPORT,
    ),
    Reason.UNEXPECTED_ERROR: Message(
        _("An unexpected error occurred several times in a row."),
        _("An administrator can find the cause in the log. Then run the export again."),
        SuggestedAction.RUN_AGAIN,
    ),
    Reason.CANCELED_BY_PERSON: Message(
        _("The run was canceled."),
        _("Run the export again to send the remaining contacts."),
        SuggestedAction.RUN_AGAIN,
    ),
}

# What is different for a list cleanup, which sends no contacts.
_RESUME = _("Then choose “Resume cleanup”.")
_CLEANUP_MESSAGES: dict[Reason, Message] = {
    Reason.LIST_BUSY: Message(
        _("A run is still sending to the previous list."),
        _("This run starts automatically when the other run ends."),
    ),
    Reason.REMOVALS_HELD: Message(
        _(
            "No contact was removed from the list, because the list or the segments have changed "
            "since the removal was confirmed."
        ),
        _("If the number is correct, choose “Confirm removals”. The next run recalculates the removals."),
    ),
    Reason.SOME_NOT_REMOVED: Message(_("The destination refused to remove some contacts from the list."), _RESUME),
    Reason.CANCELED_BY_PERSON: Message(
        _("The run was canceled."), _("Choose “Resume cleanup” to remove the remaining contacts.")
    ),
}

_RETRIED = _("No action is needed. The run retries automatically. Contacts already sent are not sent again.")

_OUTCOMES: dict[str, str | Promise] = {
    NO_EMAIL: _("The profile has no email."),
    BAD_EMAIL: _("The email address is not valid."),
    DUPLICATE: _("Another profile with the same email was updated more recently and is sent instead."),
    EXCLUSION: _("A profile with this email is a member of the exclusion segment."),
    NO_CONSENT: _("The consent attribute of the connection is not true for this contact."),
    CONTROL_GROUP: _("In the control group of this export, which is not sent."),
    UNANSWERED: _(
        "Sent, but no response arrived before the run ended. It is unknown whether the list accepted the contact."
    ),
    NOT_IN_ANY_SEGMENT: _("No longer a member of any segment of this export."),
    NO_PROFILE: _("No customer profile has this email anymore."),
    NOT_USED_SEGMENT: _("Member of a segment that this export no longer uses."),
    UNMATCHED: _(
        "The response rejected contacts that were not sent, or left some out. It is unknown "
        "whether this contact is on the list."
    ),
    IMPORTED: _("On an imported suppression list."),
    ListedState.UNSUBSCRIBED: _("Unsubscribed from the list. Only the subscriber can change that."),
    ListedState.BOUNCED: _("Emails to this address bounced, so the destination no longer sends to it."),
    ListedState.DELETED: _("Deleted from the list at the destination."),
    ListedState.ACTIVE: _("Active on the list."),
    ListedState.UNCONFIRMED: _("The subscriber has not confirmed the subscription yet."),
    values.BatchOperation.MARK.value: _("Field value set."),
    values.BatchOperation.DELETE.value: _("Deleted from the list."),
    values.BatchOperation.UNSUBSCRIBE.value: _("Unsubscribed."),
    values.NOT_ON_LIST: _("No longer on the list."),
    values.NOT_ACTIVE: _("Unsubscribed, bounced or unconfirmed before. Status unchanged."),
    values.ON_LIST_AGAIN: _("Already active on the list. Not changed."),
    values.OWN_UNSUBSCRIBE: _("Unsubscribed at another time than this run. Status unchanged."),
    values.MARK_CHANGED: _("The field value has changed since. Not changed."),
    values.ALREADY_REMOVED: _("Already removed from the list by someone else."),
    values.FOUND_THERE: _("On the list before this export sent the contact. Not removed."),
}


# What to do about contacts with one result.
ADVICE: dict[str, str | Promise] = {
    "suppressed": _(
        "No action is needed. Their status does not change. They are not retried until their data changes."
    ),
    "rejected": _("Not retried until the data changes. Fix the data, or retry after you fix the cause."),
    "invalid": _("Fix the source data. The next run sends these contacts automatically."),
    "incomplete": _("Fix the source data, or change the field of the list. The next run then sends the value."),
    "duplicate": _("No action is needed. The email is sent once."),
    "exclusion": _("The next run sends these contacts after they leave the exclusion segment."),
    "no_consent": _("The next run sends these contacts after they consent."),
    "control": _("No action is needed. Download these contacts to compare them with the contacts that were sent."),
    "unknown": _("No action is needed. The next run sends these contacts again."),
    "not_attempted": _("No action is needed. The next run sends these contacts."),
}


# The same for one reason, where it says more.
ADVICE_FOR_CODE: dict[str, str | Promise] = {
    NO_EMAIL: _("Add the email to the source data. The next run sends these contacts automatically."),
}


def texts_of(run: Run) -> KindTexts:
    """Return the texts for the kind of a run."""
    return KIND_TEXTS[RunKind(run.kind)]


def message_of_run(run: Run) -> Message:
    """Return the text about the reason of a run."""
    reason = Reason(run.reason)
    message = MESSAGES[reason] if texts_of(run).sends_contacts else _cleanup_message(reason)
    return Message(message.explanation, _RETRIED) if run.next_try_at else message


def _cleanup_message(reason: Reason) -> Message:
    usual = MESSAGES[reason]
    if reason in _CLEANUP_MESSAGES:
        return _CLEANUP_MESSAGES[reason]
    if usual.action is SuggestedAction.FIX_CONNECTION:
        return Message(usual.explanation, _RESUME, usual.action)
    return (
        Message(usual.explanation) if usual.action is SuggestedAction.NONE else Message(usual.explanation, _RESUME)
    )


def text_of_outcome(outcome: Outcome) -> str:
    """Return the text about one outcome: ours for our codes, else that of the destination."""
    return translate_stored(outcome.message) or str(_OUTCOMES.get(outcome.code, outcome.code))


def reasons_of_codes(export_id: int) -> Mapping[str, str]:
    """Return our texts by code, and the last that the destination gave in this export for a code of its own. The
    database is read once, at the first use. Texts with an address are left out: they are about one contact."""
    return cast("Mapping[str, str]", SimpleLazyObject(partial(_read_reasons, export_id)))


def _read_reasons(export_id: int) -> dict[str, str]:
    found = Outcome.objects.filter(run__export=export_id, kind__in=(OutcomeKind.LEFT, OutcomeKind.REJECTED))
    found = found.exclude(message="").exclude(message__contains="@")
    said = dict(found.order_by().values_list("code").annotate(last=Max("message")))
    return {code: translate_stored(text) for code, text in said.items()} | {
        code: str(text) for code, text in _OUTCOMES.items()
    }


def text_of_code(code: str) -> str | Promise:
    """Return the text of one of our own codes; empty for one of a destination."""
    return _OUTCOMES.get(code, "")
