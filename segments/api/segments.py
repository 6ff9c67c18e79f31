"""Operations of the REST API about segments: list, show, create, refresh, count, and read members."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router, Status
from pydantic import Field

from config.platform.accounts.decorators import check_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.api.idempotency import KeyHeader, create_once
from config.platform.api.ndjson import documented, ndjson
from config.platform.api.problems import Conflict
from config.platform.api.values import PAGE_SIZE, Answer, Body, Id, Limit, Name, Page, Text, page_of
from config.platform.audit.record import record
from config.platform.jobs.models import JobStatus
from config.platform.tags.models import with_tag
from config.platform.web.htmx import Request
from segments import actions, profiles, refresh, segment_rules
from segments.models import Segment, SegmentRefresh
from segments.permissions import check_can_manage_segments, user_can_see_personal_data
from segments.rules import tree as rule_trees
from segments.rules.tree import InvalidRules
from segments.store import matching

router = Router(tags=["Segments"])

# A group is an object with a list of rules, and a value may be a list.
_DEEPEST = 2 * rule_trees.MAX_DEPTH + 4
_LARGEST_NUMBER = 2**63

Rules = Annotated[
    dict[str, Any],
    Field(
        description="A group: join (and, or, union, intersect, except) and rules, each a group or a condition.",
        examples=[{"join": "and", "rules": [{"attribute": "country", "operator": "is", "value": "Finland"}]}],
    ),
]


class SegmentOut(Answer):
    """A segment. ``rules`` is null for users who see personal data masked; ``last_status`` before a refresh."""

    id: int
    name: str
    description: str
    rules: dict[str, Any] | None
    tags: list[str]
    is_active: bool
    is_static: bool
    member_count: int
    refreshed_at: datetime | None
    last_status: JobStatus | None
    created_at: datetime


class CreateSegment(Body):
    """A new segment; it is refreshed at once."""

    name: Name
    rules: Rules
    description: Text = ""
    tags: Annotated[list[Name], Field(max_length=20)] = []


class CountRules(Body):
    """Rules whose members are counted."""

    rules: Rules


class CountOut(Answer):
    """How many profiles match rules now."""

    count: int


class RefreshOut(Answer):
    """A refresh of a segment."""

    id: int
    status: JobStatus


@router.get("/segments", response=Page[SegmentOut], operation_id="list_segments", summary="List segments")
def list_segments(
    request: Request, *, name: Text = "", tag: Text = "", cursor: Id | None = None, limit: Limit = PAGE_SIZE
) -> object:
    """List segments: those with a name, or with a tag."""
    check_permission(request.user, Permission.SEGMENT_VIEW)
    found = with_tag(_segments(), tag)
    if name:
        found = found.filter(name__iexact=name)
    return page_of(found, lambda rows: [_shown(each, request.user) for each in rows], cursor=cursor, limit=limit)


@router.post(
    "/segments",
    response={HTTPStatus.CREATED: SegmentOut},
    operation_id="create_segment",
    summary="Create a segment",
)
def create_segment(
    request: Request, response: HttpResponse, body: CreateSegment, idempotency_key: KeyHeader = None
) -> object:
    """Create a segment and queue its first refresh."""
    check_can_manage_segments(request.user)
    _check_storable(body.rules)

    def create() -> int:
        try:
            with transaction.atomic():
                segment = actions.create_segment(
                    name=body.name.strip(),
                    rules_tree=body.rules,
                    description=body.description,
                    tags=body.tags,
                    by=request.user,
                )
        except IntegrityError:
            raise Conflict("There is a segment with this name.", "name_taken") from None
        except InvalidRules as error:
            raise _invalid(error) from None
        return segment.pk

    def show(segment_id: int) -> SegmentOut:
        return _shown(get_object_or_404(_segments(), pk=segment_id), request.user)

    return create_once(request, response, idempotency_key, create=create, show=show)


@router.post("/segments/count", response=CountOut, operation_id="count_rules", summary="Count members of rules")
def count_rules(request: Request, body: CountRules) -> object:
    """Count the profiles that match rules now, without creating a segment."""
    check_can_manage_segments(request.user)
    check_rules(body.rules)
    try:
        return CountOut(count=matching.count_rules(body.rules).total)
    except InvalidRules as error:
        raise _invalid(error) from None


def check_rules(rules: Mapping[str, Any], segment_id: int | None = None) -> None:
    """Raise Conflict for rules that cannot be stored, or that have problems as those of the segment."""
    _check_storable(rules)
    if found := segment_rules.problems(rules, segment_id):
        raise _invalid(InvalidRules(found))


@router.get("/segments/{segment_id}", response=SegmentOut, operation_id="get_segment", summary="Show a segment")
def get_segment(request: Request, segment_id: Id) -> object:
    """Show one segment with the number of its members."""
    check_permission(request.user, Permission.SEGMENT_VIEW)
    return _shown(get_object_or_404(_segments(), pk=segment_id), request.user)


@router.post(
    "/segments/{segment_id}/refresh",
    response={HTTPStatus.ACCEPTED: RefreshOut},
    operation_id="refresh_segment",
    summary="Refresh a segment",
)
def refresh_segment(request: Request, segment_id: Id) -> object:
    """Queue a refresh of a segment, or return the open one. One that is ``processing`` may have read older
    profiles: ask again when it has ended."""
    check_can_manage_segments(request.user)
    segment = get_object_or_404(Segment, pk=segment_id)
    if reason := refresh.skip_reason(segment):
        raise Conflict(str(reason), "not_refreshed")
    job = actions.request_refresh(segment, by=request.user)
    return Status(HTTPStatus.ACCEPTED, RefreshOut(id=job.pk, status=JobStatus(job.status)))


@router.get(
    "/segments/{segment_id}/members",
    operation_id="get_members",
    summary="Stream the members of a segment",
    openapi_extra=documented("The members as of the last refresh, with their attributes."),
)
def get_members(request: Request, segment_id: Id) -> StreamingHttpResponse:
    """Stream the members of a segment with all attributes. This is recorded in the audit."""
    check_permission(request.user, Permission.SEGMENT_VIEW)
    check_permission(request.user, Permission.PERSONAL_DATA_SEE)
    segment = get_object_or_404(Segment, pk=segment_id)
    record("downloaded", segment, by=request.user, changes={"members": (None, segment.member_count)})
    return ndjson(
        {"id": each.id, "source_id": each.source_id, "key": each.key, "attributes": dict(each.attributes)}
        for each in profiles.all_members(segment)
    )


def _segments() -> "QuerySet[Segment]":
    refreshes = SegmentRefresh.objects.filter(segment=OuterRef("pk")).order_by("-id")
    return Segment.objects.annotate(last_status=Subquery(refreshes.values("status")[:1]))


def _shown(segment: Segment, user: User) -> SegmentOut:
    status = getattr(segment, "last_status", None)
    return SegmentOut(
        id=segment.pk,
        name=segment.name,
        description=segment.description,
        rules=segment.rules if user_can_see_personal_data(user) else None,
        tags=segment.tags,
        is_active=segment.is_active,
        is_static=segment.is_static,
        member_count=segment.member_count,
        refreshed_at=segment.refreshed_at,
        last_status=JobStatus(status) if status else None,
        created_at=segment.created_at,
    )


def _check_storable(rules: Mapping[str, object]) -> None:
    """Raise Conflict for rules with a NUL character, which PostgreSQL stores nowhere, with a number of more than
    64 bits, or with so many groups in each other that they cannot be read."""
    left: list[tuple[object, int]] = [(rules, 0)]
    while left:
        value, depth = left.pop()
        if depth > _DEEPEST:
            most = f"Rules have at most {rule_trees.MAX_DEPTH} groups in each other."
            raise Conflict(most, "invalid_rules")
        if isinstance(value, str) and "\0" in value:
            raise Conflict("Rules contain no NUL character.", "invalid_rules")
        if isinstance(value, int | float) and not abs(value) < _LARGEST_NUMBER:
            raise Conflict("Numbers in rules have at most 64 bits. Write larger ones as texts.", "invalid_rules")
        if isinstance(value, Mapping):
            left += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            left += [(each, depth + 1) for each in value]


def _invalid(error: InvalidRules) -> Conflict:
    where = "; ".join(f"{'.'.join(map(str, each.path)) or 'rules'}: {each.message}" for each in error.problems)
    return Conflict(where, "invalid_rules")
