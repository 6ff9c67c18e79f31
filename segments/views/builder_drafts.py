"""Keep what a user builds as a draft with the key that the page posts, and offer the draft of another session."""

from typing import Any
from uuid import UUID, uuid4

from config.platform.web.htmx import Request
from config.platform.web.versions import version_from
from segments import drafts, segment_rules
from segments.models import Segment, SegmentDraft
from segments.rules.tree import Tree

# The button that discards the draft with the key behind it.
DISCARD = "discard:"


def opened(request: Request, segment: Segment | None) -> SegmentDraft | None:
    """Return the draft that the user continues by ``?draft=``, if it is still there."""
    key = _key(request.GET.get("draft", ""))
    return drafts.find(request.user, segment, key) if key else None


def keep(request: Request, segment: Segment | None, tree: Tree) -> None:
    """Store the rules of the page as its draft."""
    if key := _key(request.POST.get("draft", "")):
        drafts.save(request.user, segment, key, tree, base_version=version_from(request.POST) if segment else 0)


def discard(request: Request, action: str) -> bool:
    """Delete the draft that a button names. Returns False for another button."""
    if not action.startswith(DISCARD):
        return False
    if key := _key(action.removeprefix(DISCARD)):
        drafts.discard(request.user, key)
    return True


def discard_own(request: Request) -> None:
    """Delete the draft of the page, whose rules are saved."""
    discard(request, DISCARD + request.POST.get("draft", ""))


def context(request: Request, segment: Segment | None) -> dict[str, Any]:
    """Return the key of the page's draft for the template, and the last draft of another page."""
    found = opened(request, segment) if request.method != "POST" else None
    key = found.key if found else _key(request.POST.get("draft", "")) or uuid4()
    offered = drafts.latest(request.user, segment, except_for=key)
    return {
        "draft_key": key,
        "draft_offered": offered,
        "draft_sentence": segment_rules.describe(offered.rules) if offered else "",
        "draft_is_open": bool(found),
    }


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
