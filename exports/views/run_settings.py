"""Show the settings that a run used, on a tab of its page and on its printed page."""

from config.platform.jobs.models import JobStatus
from exports.forms import control_fields, mapping_words, option_fields
from exports.models import Removal, Run
from exports.models.snapshot import NO_SNAPSHOT
from exports.state.status import Reason


def settings_context(run: Run) -> dict[str, object]:
    """Describe the snapshot of a run in words."""
    snapshot = run.snapshot
    fields = snapshot.field_labels
    return {
        "snapshot": snapshot if snapshot != NO_SNAPSHOT else None,
        "mapping": mapping_words.in_words(snapshot.mapping, fields),
        "answers": _answers(run),
        "control": control_fields.in_words(snapshot.control, fields),
        "removal": Removal(snapshot.removal.how).label if snapshot != NO_SNAPSHOT else "",
    }


def list_events(run: Run) -> list[dict[str, object]]:
    """List the statuses of a run over time."""
    return [
        {
            "event": event,
            "from_label": JobStatus(event.from_status).label if event.from_status else "",
            "to_label": JobStatus(event.to_status).label,
            "reason": Reason(event.reason).label if event.reason else "",
        }
        for event in run.events.all()
    ]


def _answers(run: Run) -> list[tuple[str, str]]:
    """What was chosen in answer to the destination's questions, in words where they are still asked."""
    chosen = run.snapshot.answers
    if run.export.connection is None:
        return list(chosen.items())
    questions = run.export.connection.destination.questions()
    return option_fields.in_words(questions, chosen, [{"field": key} for key in run.snapshot.mapped_fields])
