"""What an export would send and remove now, asked something beyond the ordinary: for the question before it."""

import math
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from connections import lookups
from exports import policies
from exports.models import DeliveredSet, Export, Run
from exports.removal import plan as removal_plan
from exports.removal.plan import Removals
from exports.run import plan
from exports.selection.diff import Figures
from exports.state import snapshot
from exports.state.run_options import RunOptions


@dataclass(frozen=True)
class Outlook:
    """The figures of a plan, its removals and its calls."""

    figures: Figures
    removals: Removals
    calls: int


class _Undo(Exception):
    """Ends the transaction of a plan that is only looked at."""


def of(export: Export, options: RunOptions) -> Outlook:
    """Draw the plan of ``export`` as it is now, and roll it back. Raises policies.Refusal when it cannot be
    drawn."""
    connection = export.connection
    if connection is None:
        raise policies.Refusal(_("This export has no connection. Choose one first."))
    lookup = lookups.look_up(connection, export.list_id)
    if lookup.details is None:
        raise policies.Refusal(lookup.trouble)
    frozen = snapshot.freeze(export, lookup.details) | {"options": options.keep()}
    run = Run(export=export, account=connection.account, list_id=export.list_id, frozen=frozen)
    figures, removals = Figures(), Removals()
    try:
        with transaction.atomic():
            figures = plan.draw(frozen, connection.account, export.list_id, export.pk)
            known = DeliveredSet.objects.filter(
                export=export, account=connection.account, list_id=export.list_id
            ).first()
            removals = removal_plan.judge(run, known) if known else removals
            raise _Undo
    except _Undo:
        pass
    calls = math.ceil(figures.to_send / connection.destination.capabilities.batch_rows)
    return Outlook(figures, removals, calls)
