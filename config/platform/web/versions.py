"""Detect stale saves: a save says which version was edited, and a change made since is never overwritten
unseen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, Model
from django.utils.functional import cached_property

from config.platform.audit.models import AuditEntry
from config.platform.audit.record import changes_since


class StaleEdit(Exception):
    """Another user saved first. ``newest`` is the version there is now, ``entries`` what changed since."""

    def __init__(self, instance: Model, newest: int, entries: Sequence[AuditEntry]) -> None:
        super().__init__(f"{type(instance).__name__} {instance.pk} has changed: it is at version {newest} now")
        self.instance, self.newest, self.entries = instance, newest, entries

    @cached_property
    def changes(self) -> list["Change"]:
        """Describe what changed, the newest first."""
        return [_change(self.instance, entry) for entry in self.entries]


@dataclass(frozen=True)
class Change:
    """Who changed which fields; ``fields`` holds labels with what they were and are."""

    entry: AuditEntry
    fields: Sequence[tuple[str, object, object]]


class Gone(Exception):
    """The row was removed while it was being edited."""


def take_version(instance: Model, version: int) -> int:
    """Count ``instance`` up from ``version`` and return the new version, which is also set on it. Call it
    inside ``transaction.atomic()``, before writing anything else: the row stays locked until the transaction
    ends. Raises StaleEdit when it was saved since ``version`` was read, Gone when the row no longer exists."""
    rows = type(instance)._default_manager.filter(pk=instance.pk)
    if rows.filter(version=version).update(version=F("version") + 1):
        instance.version = version + 1  # type: ignore[attr-defined]
        return version + 1
    newest = rows.values_list("version", flat=True).first()
    if newest is None:
        raise Gone(f"{type(instance).__name__} {instance.pk} is no longer there")
    raise StaleEdit(instance, newest, changes_since(instance, version))


def version_from(data: Mapping[str, str]) -> int:
    """Return the version that a posted pane edited, or the one that “Overwrite” has seen; 0 when it is no
    number."""
    text = data.get("overwrite_version") or data.get("version") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _change(instance: Model, entry: AuditEntry) -> Change:
    return Change(entry, [(_label(instance, name), *pair) for name, pair in entry.changes.items()])


def _label(instance: Model, name: str) -> str:
    labels = {field.name: getattr(field, "verbose_name", field.name) for field in instance._meta.get_fields()}
    label = str(labels.get(name, name.replace("_", " ")))
    return label[:1].upper() + label[1:]
