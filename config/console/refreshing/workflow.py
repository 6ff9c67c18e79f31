"""What a system refresh does, and what waits for what: decided when it begins, whatever is edited meanwhile."""

from config.console.models import RefreshStep, StepKind, SystemRefresh
from config.console.refreshing.stages import STAGES


def plan(refresh: SystemRefresh) -> None:
    """Write the steps of the refresh, each with the steps that it waits for."""
    known: dict[tuple[StepKind, int], int] = {}
    for stage in STAGES:
        steps = [
            RefreshStep(
                refresh=refresh,
                kind=stage.kind,
                target_id=target.pk,
                name=target.name[:200],
                waits_for=sorted(known[cause] for cause in target.waits_for if cause in known),
            )
            for target in stage.targets()
        ]
        made = RefreshStep.objects.bulk_create(steps, batch_size=1000)
        known |= {(stage.kind, step.target_id): step.pk for step in made}


def counts() -> dict[str, int]:
    """How much a refresh that began now would do, by kind."""
    return {stage.kind.value: sum(1 for _target in stage.targets()) for stage in STAGES}
