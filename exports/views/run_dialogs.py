"""Dialogs of runs: cancel, confirm removals, restore removed subscribers, and retry rejected contacts."""

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from config.platform.web.formats import number
from config.platform.web.htmx import Request
from connections.destinations.values import BatchOperation
from exports import permissions, policies
from exports.actions import list_cleanup as actions_list_cleanup
from exports.actions import retries, runs
from exports.models import Run
from exports.models.snapshot import RunOptions
from exports.preview import dry_run
from exports.removal import list_cleanup
from exports.removal import restore as removal_restore
from exports.removal.restore import Restorable
from exports.reporting import breakdown, messages
from exports.results.summary import ContactKind
from exports.views.access import find_managed_run, find_run
from exports.views.confirm import Confirmation, confirm, count_shown


@require_http_methods(["GET", "POST"])
def cancel(request: Request, run_id: int) -> HttpResponse:
    """Confirm that a run is canceled, or not retried."""
    run = find_managed_run(request, run_id)
    back = reverse("exports:run", args=[run.pk])
    texts = messages.texts_of(run)
    title, sentence, label = _("Cancel run %(number)s of “%(name)s”?"), str(texts.after_cancel), _("Cancel run")
    if run.next_try_at and texts.sends_contacts:
        title, label = _("Stop retrying run %(number)s of “%(name)s”?"), _("Stop retries")
        sentence = _("Contacts already sent stay sent. The next manual run sends the rest.")
    if run.export.is_being_removed:
        sentence = f"{sentence} {_('The export is kept.')}"

    def act() -> tuple[str, str]:
        runs.cancel_run(run, by=request.user)
        if run.next_try_at:
            return back, _("The run is not retried automatically.")
        return back, _("The run stops after the requests in progress get their responses.")

    asked = Confirmation(
        title=title % {"number": run.number, "name": run.export},
        sentence=sentence,
        confirm_label=label,
        cancel_label=_("Keep running"),
        danger=True,
        act=act,
        back=back,
    )
    return confirm(request, asked)


@require_http_methods(["GET", "POST"])
def confirm_removals(request: Request, run_id: int) -> HttpResponse:
    """Confirm the removals that a guard holds, with their number as it is now. A list cleanup is restarted."""
    run = find_run(run_id)
    permissions.check_can_confirm(request.user, run)

    def act() -> tuple[str, str]:
        policies.check_can_confirm(run)
        people, how = count_shown(request, "people"), request.POST.get("how", "")
        restart = actions_list_cleanup.restart if run.is_cleanup else runs.confirm_removals
        new = restart(run, people=people, how=how, by=request.user)
        return reverse("exports:run", args=[new.pk]), ""

    asked = Confirmation(
        title=_("Confirm removals"),
        confirm_label=_("Confirm removals"),
        danger=True,
        act=act,
        back=reverse("exports:run", args=[run.pk]),
        template="exports/confirm_removals.html",
        details=lambda: _removals_to_confirm(run),
        may_retry=False,
    )
    return confirm(request, asked)


def _removals_to_confirm(run: Run) -> dict[str, object]:
    policies.check_can_confirm(run)
    if run.is_cleanup:
        people, how = list_cleanup.people_of(run.cleanup.delivered_set) or 0, run.options["removal"]["how"]
    else:
        removals = dry_run.estimate(run.export, RunOptions()).removals
        people, how = removals.held or removals.to_remove, run.export.removal
    if not people:
        raise policies.Refusal(_("There are no contacts left to remove."))
    title = ngettext("Remove %(people)s contact?", "Remove %(people)s contacts?", people)
    return {
        "title": title % {"people": number(people)},
        "people": people,
        "how": how,
        "sentence": _what_removal_does(BatchOperation(how)),
        "reaches_everywhere": policies.reaches_everywhere(run),
        "contacts_url": f"{reverse('exports:contacts', args=[run.pk])}?kind=awaiting_confirmation"
        if run.removals_held
        else "",
    }


def _contacts_url(run: Run, kind: ContactKind) -> str:
    return f"{reverse('exports:contacts', args=[run.pk])}?kind={kind}"


def _what_removal_does(operation: BatchOperation) -> str:
    if operation is BatchOperation.UNSUBSCRIBE:
        return _("They are unsubscribed. This cannot be undone here: only the subscribers can subscribe again.")
    if operation is BatchOperation.DELETE:
        return _("They are deleted from the list. They are added again when they rejoin the segments.")
    return _("They stay on the list with a field value. The value is cleared when they rejoin the segments.")


@require_http_methods(["GET", "POST"])
def restore(request: Request, run_id: int) -> HttpResponse:
    """Confirm the restore of the subscribers that a run removed: how many are restored, and how many are not and
    why."""
    run = find_managed_run(request, run_id)

    def count() -> Restorable:
        removal_restore.check(run)
        found = removal_restore.count(run)
        if not found.people:
            raise policies.Refusal(_("None of these subscribers can be restored anymore."))
        return found

    def act() -> tuple[str, str]:
        count()
        new = runs.start_run(run.export, by=request.user, options=RunOptions(restores=run.pk))
        return reverse("exports:run", args=[new.pk]), ""

    def details() -> dict[str, object]:
        found = count()
        asks = run.snapshot.confirmed_opt_in and found.people > found.marked
        return {"found": found, "asks_to_confirm": asks}

    asked = Confirmation(
        title=_("Restore removed subscribers"),
        confirm_label=_("Restore subscribers"),
        act=act,
        back=reverse("exports:run", args=[run.pk]),
        template="exports/restore_removed.html",
        details=details,
        may_retry=False,
    )
    return confirm(request, asked)


@require_http_methods(["GET", "POST"])
def retry_rejected_contacts(request: Request, run_id: int) -> HttpResponse:
    """Confirm a run that sends rejected contacts again; ``?code=`` selects those rejected for one reason."""
    run = find_managed_run(request, run_id)
    code = request.GET.get("code", "")
    groups = breakdown.group_outcomes(run, ContactKind.REJECTED)
    sentence = _(
        "A run starts now. It sends %(people)s rejected contacts again with the same data, and "
        "all other changes. Contacts rejected again for the same reason are not reported."
    )

    def act() -> tuple[str, str]:
        new = retries.retry_rejected(run, code=code, by=request.user)
        return reverse("exports:run", args=[new.pk]), ""

    asked = Confirmation(
        title=_("Retry rejected contacts?"),
        sentence=sentence % {"people": sum(group.people for group in groups if code in ("", group.code))},
        confirm_label=_("Retry contacts"),
        act=act,
        back=_contacts_url(run, ContactKind.REJECTED),
    )
    return confirm(request, asked)
