"""What an export would send and remove now, asked something beyond the ordinary: for the question before it."""

import math
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from config.platform.db import rolled_back
from connections import lookups
from exports import policies
from exports.models import DeliveredSet, Export, Run
from exports.models.snapshot import RunOptions
from exports.removal import removal_plan
from exports.removal.removal_plan import Removals
from exports.run import plan
from exports.selection.diff import PlanCounts
from exports.state import run_settings


@dataclass(frozen=True)
class Estimate:
    """The figures of a plan, its removals and its calls."""

    figures: PlanCounts
    removals: Removals
    calls: int


def of(export: Export, options: RunOptions) -> Estimate:
    """Compute the plan of ``export`` as it is now, and roll it back. Raises policies.Refusal when it cannot be
    computed."""
    connection = export.connection
    if connection is None:
        raise policies.Refusal(_("This export has no connection. Choose one first."))
    lookup = lookups.look_up(connection, export.list_id)
    if lookup.details is None:
        raise policies.Refusal(lookup.trouble)
    snapshot = replace(run_settings.freeze(export, lookup.details), options=options)
    run = Run(export=export, account=connection.account, list_id=export.list_id, snapshot=snapshot)
    with rolled_back():
        figures = plan.compute_diff(snapshot, connection.account, export.list_id, export.pk)
        states = DeliveredSet.objects.filter(export=export, account=connection.account, list_id=export.list_id)
        known = states.first()
        removals = removal_plan.count_removals(run, known) if known else Removals()
    calls = math.ceil(figures.to_send / connection.destination.capabilities.batch_rows)
    return Estimate(figures, removals, calls)
