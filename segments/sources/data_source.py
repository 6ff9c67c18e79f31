"""Find, create or rename the data source of an import, with its key columns and its mode."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from config.platform.accounts.models import User
from config.platform.audit.record import record
from segments.models import DataSource, ImportMode
from segments.sources.keys import same_columns


class KeyColumnDiffers(Exception):
    """The data source identifies profiles by other columns."""


class NameTaken(Exception):
    """Another data source has the name."""


@transaction.atomic
def ensure_data_source(
    name: str,
    key_columns: Sequence[str],
    *,
    mode: ImportMode | None,
    by: User | None,
    edited: DataSource | None = None,
) -> DataSource:
    """Return the data source of a name, created if it is new, and locked. It keeps the mode, if one is given, and
    the order of its key columns. The source that is ``edited`` gets the name. Raises KeyColumnDiffers and
    NameTaken."""
    if edited is not None:
        rename_data_source(edited, name, by=by)
    source = DataSource.objects.select_for_update().filter(name__iexact=name).first()
    if source is None:
        first, *further = key_columns
        source = DataSource.objects.create(name=name, key_column=first, further_key_columns=further)
        record("created", source, by=by, changes={"key_column": (None, source.key_label)})
    check_key_columns(source, key_columns)
    if mode is not None and source.mode != mode:
        record("edited", source, by=by, changes={"mode": (source.mode, mode.value)})
        source.mode = mode
        source.save(update_fields=["mode"])
    return source


@transaction.atomic
def rename_data_source(source: DataSource, name: str, *, by: User | None) -> None:
    """Rename a data source. Raises NameTaken."""
    locked = DataSource.objects.select_for_update().get(pk=source.pk)
    if locked.name == name:
        return
    other = DataSource.objects.filter(name__iexact=name).exclude(pk=source.pk).first()
    if other is not None:
        raise NameTaken(
            _("There is a data source “%(name)s” already. Choose another name.") % {"name": other.name}
        )
    record("renamed", locked, by=by, changes={"name": (locked.name, name)})
    locked.name = name
    locked.save(update_fields=["name"])


def check_key_columns(source: DataSource, key_columns: Sequence[str]) -> None:
    """Raise KeyColumnDiffers when a data source has other key columns."""
    if not same_columns(source.key_columns, key_columns):
        raise KeyColumnDiffers(
            _("“%(source)s” uses the key column “%(known)s”, not “%(given)s”.")
            % {"source": source.name, "known": source.key_label, "given": ", ".join(key_columns)}
        )
