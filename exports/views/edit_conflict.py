"""Say in words what another user changed on an export meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.platform.web.versions import Change, StaleEdit

_LABELS: dict[str, str | Promise] = {
    "Mapping": gettext_lazy("Added attributes"),
    "Answers": gettext_lazy("Choices"),
    "List title": gettext_lazy("List"),
    "List confirmed opt in": gettext_lazy("Confirmed opt-in"),
    "Opt in mail accepted": gettext_lazy("Emails to new contacts accepted"),
}


def changes_of(stale: StaleEdit) -> list[Change]:
    """The changes with every value as a person would say it."""
    return [replace(change, fields=[_said(*field) for field in change.fields]) for change in stale.changes]


def _said(label: str, before: object, after: object) -> tuple[str, object, object]:
    return str(_LABELS.get(label, label)), in_words(before), in_words(after)


def in_words(value: object) -> str:
    """One stored value; nothing is a dash."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Mapping):
        if value.keys() == {"attribute", "field"}:
            return f"{value['attribute']} → {value['field']}"
        return ", ".join(f"{name}: {in_words(each)}" for name, each in value.items()) or "–"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(in_words(each) for each in value) or "–"
    return "–" if value in (None, "") else str(value)
