"""Send contacts again that a list rejected, although their data have not changed."""

from django.db import connection as database
from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from exports import permissions, policies
from exports.actions import runs
from exports.models import Export, OutcomeKind, Run


def check_can_ask_again(run: Run) -> None:
    """Raise policies.Refusal when no contact was rejected, or when the export sends to another list by now."""
    export = run.export
    if not run.rejected:
        raise policies.Refusal(_("Run %(number)s had no rejected contacts.") % {"number": run.number})
    if export.connection is None or (export.connection.account, export.list_id) != (run.account, run.list_id):
        raise policies.Refusal(_("The export now sends to another list. This run rejected no contacts there."))
    policies.check_can_run(export)


def can_ask_again(run: Run) -> bool:
    try:
        check_can_ask_again(run)
    except policies.Refusal:
        return False
    return True


@transaction.atomic
def ask_again(run: Run, *, code: str = "", by: User) -> Run:
    """Queue a run that sends the rejected contacts of ``run`` again, those of one ``code`` if it is given.
    Raises PermissionDenied, and policies.Refusal."""
    export = Export.objects.select_for_update(of=("self",)).select_related("connection").get(pk=run.export_id)
    permissions.check_can_manage(by, export)
    check_can_ask_again(run)
    people = _mark(run, code)
    if not people:
        raise policies.Refusal(
            _("No contacts to retry: they were delivered since, or the results of this run are no longer stored.")
        )
    started = runs.start_run(export, by=by)
    record("asked_again", export, by=by, changes={"run": (run.number, started.number), "people": (None, people)})
    return started


def _mark(run: Run, code: str) -> int:
    """Let the next plan send the rejected contacts again. Returns how many they are."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE exports_refused refused SET ask_again = true
              FROM exports_deliveredset known, exports_outcome outcome
             WHERE known.export_id = %(export)s AND known.account = %(account)s AND known.list_id = %(list)s
               AND refused.delivered_set_id = known.id AND refused.email = outcome.email
               AND outcome.run_id = %(run)s AND outcome.kind = %(kind)s AND %(code)s IN ('', outcome.code)
            """,
            {
                "export": run.export_id,
                "account": run.account,
                "list": run.list_id,
                "run": run.pk,
                "kind": OutcomeKind.REJECTED.value,
                "code": code,
            },
        )
        return int(cursor.rowcount)
