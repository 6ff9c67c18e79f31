"""Show which exports and connections use an attribute, for the page of attributes, and rename it in them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.jobs.models import OPEN
from connections.destinations.values import attribute_of
from connections.models import Connection
from exports.actions.attributes import rename_attribute
from exports.models import Export, ExportPreview, Run
from segments.hooks import AttributeUsers, Usage
from segments.models import AttributeType

# The types of attributes that have addresses, answer questions, and say who consents.
ADDRESS_TYPES = (AttributeType.TEXT,)
ANSWER_TYPES = (AttributeType.TEXT, AttributeType.BOOLEAN)
CONSENT_TYPES = (AttributeType.BOOLEAN,)


class ExportsUsingAttributes(AttributeUsers):
    """Exports, their open runs, and the limits of connections, as users of attributes."""

    def usages(self) -> Mapping[str, Sequence[Usage]]:
        found: defaultdict[str, list[Usage]] = defaultdict(list)
        for usage, names in (*_of_exports(), *_of_open_runs(), *_of_connections()):
            for name in {name.casefold() for name in names if name}:
                if usage not in found[name]:
                    found[name].append(usage)
        return found

    def lock(self) -> None:
        """Lock the exports, so that a new run or preview of theirs is committed after the transaction, and
        connections."""
        list(Export.objects.select_for_update().order_by("pk").values_list("pk"))
        list(Connection.objects.select_for_update().order_by("pk").values_list("pk"))

    def open_uses(self, name: str) -> Sequence[Usage]:
        """Return the exports with an open run, or an open preview, that reads the attribute. A run may read the
        addresses of other exports as well, to remove no contact that they want."""
        is_address = any(_is(name, each) for each in Export.objects.values_list("email_attribute", flat=True))
        reading = {usage for usage, names in _of_open_runs() if _has(names, name)}
        found = []
        for export in _at_work():
            usage, names = _of_export(export)
            required = export.connection.limited.required_attribute if export.connection else ""
            if is_address or usage in reading or _has([*names, required], name):
                found.append(usage)
        return found

    def unable(self, name: str, kind: AttributeType) -> Sequence[Usage]:
        found = []
        for export in Export.objects.order_by("name"):
            answers = [attribute_of(answer) or "" for answer in export.answers.values()]
            if (kind not in ADDRESS_TYPES and _is(name, export.email_attribute)) or (
                kind not in ANSWER_TYPES and _has(answers, name)
            ):
                found.append(_of_export(export)[0])
        for connection in Connection.objects.order_by("name"):
            if kind not in CONSENT_TYPES and _is(name, connection.limited.required_attribute):
                found.append(_usage_of(connection))
        return found

    def telling_apart(self, one: str, other: str) -> Sequence[Usage]:
        return [
            _usage_of(connection)
            for connection in Connection.objects.order_by("name")
            if connection.limited.allows_attribute(one) != connection.limited.allows_attribute(other)
        ]

    def rename(self, before: str, after: str, *, by: User | None) -> None:
        rename_attribute(before, after, by=by)


def _is(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()


def _has(names: Sequence[str], name: str) -> bool:
    return any(_is(name, each) for each in names)


def _at_work() -> Iterator[Export]:
    """Yield the exports with an open run or an open preview."""
    runs = Run.objects.filter(export=OuterRef("pk"), status__in=OPEN)
    previews = ExportPreview.objects.filter(export=OuterRef("pk"), status__in=OPEN)
    yield from Export.objects.filter(Exists(runs) | Exists(previews)).select_related("connection").order_by("name")


def _of_exports() -> Iterator[tuple[Usage, list[str]]]:
    yield from map(_of_export, Export.objects.order_by("name"))


def _of_export(export: Export) -> tuple[Usage, list[str]]:
    usage = Usage(_("Export"), export.name, reverse("exports:edit", args=[export.pk]))
    mapped = [name for pair in export.mapping for name in (pair["attribute"], pair.get("join", ""))]
    return usage, [export.email_attribute, *mapped, *map(attribute_of, export.answers.values())]


def _of_open_runs() -> Iterator[tuple[Usage, list[str]]]:
    """Yield the exports with an open run, which reads the attributes that were chosen when it started."""
    for run in Run.objects.filter(status__in=OPEN).select_related("export").order_by("export__name"):
        settings = run.snapshot
        usage = Usage(_("Export"), run.export.name, reverse("exports:edit", args=[run.export_id]))
        mapped = [name for pair in settings.mapping for name in pair.value.attributes]
        answers = map(attribute_of, settings.answers.values())
        yield usage, [settings.email_attribute, settings.required_attribute, *mapped, *answers]


def _of_connections() -> Iterator[tuple[Usage, list[str]]]:
    for connection in Connection.objects.order_by("name"):
        limits = connection.limited
        yield _usage_of(connection), [limits.required_attribute, *limits.withheld, *(limits.allowed or ())]


def _usage_of(connection: Connection) -> Usage:
    return Usage(_("Connection"), connection.name, reverse("connections:edit", args=[connection.pk]))
