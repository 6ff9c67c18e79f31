"""Segments that are not drawn: inactive ones, and static ones that have been drawn once."""

from django.utils.translation import gettext as _

from segments.models import Segment


def why_not_drawn(segment: Segment) -> str:
    """Why the segment stays as it is, in a sentence; empty when it is drawn as usual."""
    if not segment.is_active:
        return _("The segment is inactive. Activate it to have it refreshed.")
    if segment.is_static and segment.refreshed_at is not None:
        return _("The segment is static and stays as it was drawn. Make it dynamic to have it refreshed.")
    return ""
