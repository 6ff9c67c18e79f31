"""Show and change the exports that use a segment, for the pages of segments."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from exports import policies
from exports.actions import manage
from exports.models import Export
from exports.permissions import user_can_manage
from segments.hooks import CannotChangeUsage, SegmentUsers, Usage, UsageChoice
from segments.models import Segment


class ExportsUsingSegments(SegmentUsers):
    """Exports as users of segments."""

    def usages(self, segment_id: int) -> Sequence[Usage]:
        exports = Export.objects.filter(segments=segment_id).order_by("name")
        return [Usage(_("Export"), export.name, _url(export)) for export in exports.only("name")]

    def usages_of_each(self, segment_ids: Collection[int]) -> Mapping[int, Sequence[Usage]]:
        found: defaultdict[int, list[Usage]] = defaultdict(list)
        uses = Export.segments.through.objects.filter(segment_id__in=segment_ids).order_by("export__name")
        for segment_id, export_id, name in uses.values_list("segment_id", "export_id", "export__name"):
            found[segment_id].append(Usage(_("Export"), name, reverse("exports:edit", args=[export_id])))
        return found

    def usage_counts(self, segment_ids: Collection[int]) -> Mapping[int, int]:
        found = Segment.objects.filter(pk__in=segment_ids, exports__isnull=False).annotate(count=Count("exports"))
        return dict(found.values_list("pk", "count"))

    def choices(self, segment_id: int, user: User) -> Sequence[UsageChoice]:
        using = set(Export.objects.filter(segments=segment_id).values_list("pk", flat=True))
        exports = Export.objects.select_related("connection")
        return [
            UsageChoice(
                key=str(export.pk),
                name=export.name,
                url=_url(export),
                is_used=export.pk in using,
                obstacle=""
                if user_can_manage(user, export)
                else _("Its connection is not shared with your role."),
            )
            for export in sorted(exports, key=lambda each: (each.pk not in using, each.name.casefold()))
        ]

    def add_url(self, segment_id: int, user: User) -> str:
        if not user.may(Permission.EXPORT_MANAGE):
            return ""
        return f"{reverse('exports:add')}?{urlencode({'segment': segment_id})}"

    @transaction.atomic
    def change_usage(self, segment_id: int, *, start: Collection[str], stop: Collection[str], by: User) -> None:
        segment = Segment.objects.get(pk=segment_id)
        for key in [*start, *stop]:
            export = Export.objects.filter(pk=int(key)).first() if key.isascii() and key.isdigit() else None
            if export is None:
                raise CannotChangeUsage(_("One of these exports was removed. Reload and choose again."))
            try:
                manage.put_segment(export, segment, holds=key in start, by=by)
            except policies.Refusal as refusal:
                raise CannotChangeUsage(refusal.sentence) from refusal


def _url(export: Export) -> str:
    return reverse("exports:edit", args=[export.pk])
