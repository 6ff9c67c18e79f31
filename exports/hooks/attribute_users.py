"""Show which exports and connections use an attribute, for the page of attributes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.jobs.models import OPEN
from connections.destinations.values import attribute_of
from connections.models import Connection
from exports.models import Export, Run
from segments.hooks import AttributeUsers, Usage


class ExportsUsingAttributes(AttributeUsers):
    """Exports, their open runs, and the limits of connections, as users of attributes."""

    def usages(self) -> Mapping[str, Sequence[Usage]]:
        found: defaultdict[str, list[Usage]] = defaultdict(list)
        for usage, names in (*_of_exports(), *_of_open_runs(), *_of_connections()):
            for name in {name.casefold() for name in names if name}:
                if usage not in found[name]:
                    found[name].append(usage)
        return found


def _of_exports() -> Iterator[tuple[Usage, list[str]]]:
    for export in Export.objects.order_by("name"):
        usage = Usage(_("Export"), export.name, reverse("exports:edit", args=[export.pk]))
        mapped = [pair["attribute"] for pair in export.mapping]
        yield usage, [export.email_attribute, *mapped, *map(attribute_of, export.answers.values())]


def _of_open_runs() -> Iterator[tuple[Usage, list[str]]]:
    """Yield the exports with an open run, which reads the attributes that were chosen when it started."""
    for run in Run.objects.filter(status__in=OPEN).select_related("export").order_by("export__name"):
        settings = run.snapshot
        usage = Usage(_("Export"), run.export.name, reverse("exports:edit", args=[run.export_id]))
        mapped = [pair.attribute for pair in settings.mapping]
        answers = map(attribute_of, settings.answers.values())
        yield usage, [settings.email_attribute, settings.required_attribute, *mapped, *answers]


def _of_connections() -> Iterator[tuple[Usage, list[str]]]:
    for connection in Connection.objects.order_by("name"):
        limits = connection.limited
        usage = Usage(_("Connection"), connection.name, reverse("connections:edit", args=[connection.pk]))
        yield usage, [limits.required_attribute, *limits.withheld, *(limits.allowed or ())]
