"""Show the attributes of customers: type, data sources, what uses them, customers with a value; rename them, and
delete those that nothing uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models.functions import Lower
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.web.formats import number
from config.platform.web.htmx import Request
from config.platform.web.lists import Column, list_page, selected_ids
from config.platform.web.panes import close_pane, render_dialog
from segments import attribute_usage, catalog
from segments.attribute_changes.frame import ChangeRefused
from segments.attribute_changes.rename import rename_attribute
from segments.attribute_usage import SourceColumn
from segments.hooks import Usage
from segments.models import AttributeType, ProfileAttribute
from segments.permissions import (
    check_can_manage_data_sources,
    user_can_manage_data_sources,
    user_can_see_personal_data,
)
from segments.sources.actions import ImportInProgress
from segments.store.fill import Fill, count_filled
from segments.views.attribute_status import attribute_change_context

COLUMNS = [
    Column("name", gettext_lazy("Name"), order_by=(Lower("name"),)),
    Column("type", gettext_lazy("Type"), order_by=("data_type", Lower("name"))),
    Column("sources", gettext_lazy("Data sources")),
    Column("usages", gettext_lazy("Used by")),
    Column("searchable", gettext_lazy("Searchable"), order_by=("is_searchable", Lower("name"))),
    Column("filled", gettext_lazy("Customers with a value"), kind="number"),
    Column("samples", gettext_lazy("Sample values")),
]
_PAGE_SIZE = 50
# Whose values may name a person: users who see masked data get no samples of them.
MAY_NAME_PERSONS = (AttributeType.TEXT, AttributeType.LIST)
_LONGEST_SAMPLE = 24


@dataclass(frozen=True)
class AttributeRow:
    """An attribute as the list shows it; ``percent`` of the customers have a value, None without customers."""

    attribute: ProfileAttribute
    sources: Sequence[SourceColumn]
    usages: Sequence[Usage]
    filled: int
    percent: int | None
    samples: Sequence[str]


@require_permission(Permission.SEGMENT_VIEW)
@require_safe
def attributes(request: Request) -> HttpResponse:
    """Show the list of attributes."""
    page = list_page(
        request,
        ProfileAttribute.objects.all(),
        columns=COLUMNS,
        search=("name",),
        default="name",
        page_size=_PAGE_SIZE,
    )
    context = {
        "list": page,
        "rows": _rows(list(page.rows), request.user),
        "can_manage": user_can_manage_data_sources(request.user),
        "active_nav": "attributes",
        **attribute_change_context(request.user),
    }
    return render(request, "segments/attributes.html", context)


@require_POST
def make_searchable(request: Request) -> HttpResponse:
    """Let the search for customers read the selected text attributes."""
    return _set_searchable(request, is_searchable=True)


@require_POST
def exclude_from_search(request: Request) -> HttpResponse:
    """Let the search for customers skip the selected text attributes."""
    return _set_searchable(request, is_searchable=False)


@require_permission(Permission.SEGMENT_VIEW)
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask for confirmation, and by POST delete an attribute that nothing uses; 409 when something does."""
    check_can_manage_data_sources(request.user)
    attribute = get_object_or_404(ProfileAttribute, pk=pk)
    back, status, refusal = reverse("segments:attributes"), 200, ""
    if request.method == "POST":
        try:
            name = attribute_usage.delete_attribute(pk, by=request.user)
        except (attribute_usage.AttributeInUse, ImportInProgress) as problem:
            status, refusal = 409, str(problem)
        else:
            return close_pane(request, back, _("The attribute “{name}” is deleted.").format(name=name))
    usages = attribute_usage.usages().get(attribute.name.casefold(), ())
    context = {
        "attribute": attribute,
        "sources": attribute_usage.source_columns().get(attribute.name.casefold(), ()),
        "usages": usages,
        "refusal": refusal or (str(attribute_usage.AttributeInUse(attribute.name)) if usages else ""),
        "title": _("Delete “{name}”?").format(name=attribute.name),
        "confirm_label": _("Delete"),
        "danger": True,
    }
    return render_dialog(request, context, "segments/delete_attribute.html", status, back=back)


@require_permission(Permission.SEGMENT_VIEW)
def rename(request: Request, pk: int) -> HttpResponse:
    """Ask for a name, and by POST rename an attribute in all that uses it; 409 when that is not possible now."""
    check_can_manage_data_sources(request.user)
    attribute = get_object_or_404(ProfileAttribute, pk=pk)
    back, status, refused = reverse("segments:attributes"), 200, None
    name = request.POST.get("name", attribute.name)
    if request.method == "POST":
        try:
            name = rename_attribute(pk, name, by=request.user)
        except ChangeRefused as refusal:
            status, refused = 409, refusal
        else:
            message = _("The attribute “{before}” is now “{name}”.").format(before=attribute.name, name=name)
            return close_pane(request, back, message)
    context = {
        "attribute": attribute,
        "name": name,
        "usages": attribute_usage.usages().get(attribute.name.casefold(), ()),
        "refusal": str(refused or ""),
        "open_uses": refused.usages if refused else (),
        "title": _("Rename “{name}”").format(name=attribute.name),
        "confirm_label": _("Rename"),
    }
    return render_dialog(request, context, "segments/rename_attribute.html", status, back=back)


def _set_searchable(request: Request, *, is_searchable: bool) -> HttpResponse:
    count = attribute_usage.set_searchable(selected_ids(request), is_searchable, by=request.user)
    if is_searchable:
        message = ngettext("{n} attribute is searchable now.", "{n} attributes are searchable now.", count)
    else:
        message = ngettext(
            "The search skips {n} attribute now.",
            "The search skips {n} attributes now.",
            count,
        )
    return close_pane(request, reverse("segments:attributes"), message.format(n=count))


def _rows(shown: Sequence[ProfileAttribute], user: User) -> list[AttributeRow]:
    ids = {each.pk for each in shown}
    total, fills = count_filled([each for each in catalog.attributes() if each.id in ids])
    columns, usages = attribute_usage.source_columns(), attribute_usage.usages()
    return [
        AttributeRow(
            each,
            columns.get(each.name.casefold(), ()),
            usages.get(each.name.casefold(), ()),
            fills[each.pk].profiles,
            round(100 * fills[each.pk].profiles / total) if total else None,
            sample_texts(AttributeType(each.data_type), fills[each.pk], user),
        )
        for each in shown
        if each.pk in fills
    ]


def sample_texts(data_type: AttributeType, fill: Fill, user: User) -> list[str]:
    """Return sample values of an attribute; none that may name a person for users who see masked data."""
    if data_type in MAY_NAME_PERSONS and not user_can_see_personal_data(user):
        return []
    return [value_text(value)[:_LONGEST_SAMPLE] for value in fill.samples]


def value_text(value: object) -> str:
    """Return a value of an attribute as texts show it."""
    match value:
        case bool():
            return _("Yes") if value else _("No")
        case datetime():
            return date_format(localtime(value), "Y-m-d H:i")
        case date():
            return date_format(value, "Y-m-d")
        case int() | float():
            return number(int(value) if value == int(value) else value)
        case list():
            return ", ".join(map(str, value))
    return str(value)
