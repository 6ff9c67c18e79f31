"""Exports as holders of segments, for the pages of segments."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from exports import policies
from exports.actions import manage
from exports.models import Export
from exports.permissions import user_can_manage
from segments.models import Segment
from segments.usage import CannotBePut, Place


class Exports:
    """Answers segments/usage.py."""

    def places(self, segment_id: int, user: User) -> Sequence[Place]:
        holding = set(Export.objects.filter(segments=segment_id).values_list("pk", flat=True))
        exports = Export.objects.select_related("connection").order_by("name")
        return [
            Place(
                key=str(export.pk),
                name=export.name,
                url=reverse("exports:edit", args=[export.pk]),
                holds=export.pk in holding,
                obstacle=""
                if user_can_manage(user, export)
                else _("Its connection is not shared with your role."),
            )
            for export in exports
        ]

    def new_place(self, segment_id: int, user: User) -> str:
        if not user.may(Permission.EXPORT_MANAGE):
            return ""
        return f"{reverse('exports:add')}?{urlencode({'segment': segment_id})}"

    def put(self, key: str, segment_id: int, *, holds: bool, by: User) -> None:
        export = Export.objects.filter(pk=int(key)).first() if key.isascii() and key.isdigit() else None
        if export is None:
            raise CannotBePut(_("One of these exports was removed meanwhile. Look again and choose anew."))
        try:
            manage.put_segment(export, Segment.objects.get(pk=segment_id), holds=holds, by=by)
        except policies.Refusal as refusal:
            raise CannotBePut(refusal.sentence) from refusal
