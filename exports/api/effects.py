"""The operation of the REST API about effects: what the next runs of exports would do with other rules."""

from django.shortcuts import get_object_or_404
from ninja import Router

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.permissions import Permission
from config.platform.api.problems import Conflict
from config.platform.api.values import Answer, Body, Id
from config.platform.web.htmx import Request
from exports.actions.effects import PlannedRun, effects_of_rules
from segments.actions import RulesLocked
from segments.api.segments import Rules, check_rules
from segments.models import Segment
from segments.permissions import check_can_manage_segments

router = Router(tags=["Segments"])


class OtherRules(Body):
    """Rules that a segment would have."""

    rules: Rules


class PlannedRunOut(Answer):
    """What a run would do. ``problem`` says why it cannot be computed. ``held`` counts removals that await
    confirmation; ``seconds`` is null while it is unknown how long a request takes."""

    to_add: int
    to_update: int
    unchanged: int
    to_remove: int
    held: int
    opt_in_mails: int
    requests: int
    seconds: float | None
    problem: str


class EffectOut(Answer):
    """The next run of an export with the present rules, and with the other ones."""

    export: str
    before: PlannedRunOut | None
    after: PlannedRunOut


class EffectsOut(Answer):
    """The effects on all exports that use the segment, also through other segments."""

    effects: list[EffectOut]


@router.post(
    "/segments/{segment_id}/effect",
    response=EffectsOut,
    operation_id="show_effect",
    summary="Show the effect of other rules",
)
def show_effect(request: Request, segment_id: Id, body: OtherRules) -> object:
    """Plan the next runs of the exports that use a segment, as if it had these rules. Nothing is saved or sent.
    Exports over connections that are not shared with your role are named without a plan."""
    check_can_manage_segments(request.user)
    check_permission(request.user, Permission.EXPORT_VIEW)
    segment = get_object_or_404(Segment, pk=segment_id)
    check_rules(body.rules, segment.pk)
    try:
        found = effects_of_rules(segment, body.rules, by=request.user)
    except RulesLocked as locked:
        raise Conflict(str(locked), "rules_locked") from locked
    return EffectsOut(
        effects=[
            EffectOut(
                export=effect.export,
                before=_shown(effect.before) if effect.before else None,
                after=_shown(effect.after),
            )
            for effect in found
        ]
    )


def _shown(planned: PlannedRun) -> PlannedRunOut:
    return PlannedRunOut(**vars(planned))
