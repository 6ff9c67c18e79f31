"""Operation of the REST API that tells how a run went: its statuses, its reason, and its results by reason."""

from datetime import datetime

from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Router

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.permissions import Permission
from config.platform.api.values import Answer, Id
from config.platform.jobs.models import JobStatus
from config.platform.notifications.mail import absolute_url
from config.platform.web.htmx import Request
from exports.models import Run
from exports.reporting import breakdown, messages
from exports.reporting.run_message import describe_message
from exports.state.status import Reason

router = Router(tags=["Runs"])
_REASONS = frozenset(Reason.values) - {Reason.NONE}


class StatusChangeOut(Answer):
    """A change of the status of a run; ``by`` is the user who caused it, empty for the system. ``reason_text`` is
    the ``reason`` in words."""

    at: datetime
    status: JobStatus
    reason: str
    reason_text: str
    by: str


class ReasonOut(Answer):
    """How many contacts have a result for one reason. ``varies``: the text is that of one of them."""

    result: str
    code: str
    reason: str
    contacts: int
    varies: bool


class RunLogOut(Answer):
    """How a run went, in words. Holds no contacts. ``started_after`` names the data sources and exports that
    triggered it; ``url`` is its page."""

    run_id: int
    export_id: int
    export: str
    number: int
    url: str
    started_after: str
    status: JobStatus
    explanation: str
    message: str
    next_step: str
    changes: list[StatusChangeOut]
    reasons: list[ReasonOut]


@router.get("/runs/{run_id}/log", response=RunLogOut, operation_id="get_run_log", summary="Show the log of a run")
def get_run_log(request: Request, run_id: Id) -> object:
    """Show how a run went: each change of its status, the reason of the last one in words, and how many contacts
    were not delivered, or not removed, for which reason."""
    check_permission(request.user, Permission.EXPORT_VIEW)
    wanted = Run.objects.select_related("export__connection", "cleanup__delivered_set", "cleanup__connection")
    run = get_object_or_404(wanted, pk=run_id)
    said = messages.message_of_run(run)
    sections = [*breakdown.result_sections(run), *breakdown.removal_sections(run)]
    return RunLogOut(
        run_id=run.pk,
        export_id=run.export_id,
        export=run.export.name,
        number=run.number,
        url=absolute_url(reverse("exports:run", args=[run.pk])),
        started_after=run.started_after,
        status=JobStatus(run.status),
        explanation=str(said.explanation),
        message=describe_message(run),
        next_step=str(said.next_step),
        changes=[
            StatusChangeOut(
                at=each.at,
                status=JobStatus(each.to_status),
                reason=each.reason,
                reason_text=str(Reason(each.reason).label) if each.reason in _REASONS else "",
                by=each.by_name,
            )
            for each in run.events.all()
        ],
        reasons=[
            ReasonOut(
                result=group.kind.value,
                code=group.code,
                reason=group.sentence,
                contacts=group.people,
                varies=group.varies,
            )
            for section in sections
            for group in section.groups
        ],
    )
