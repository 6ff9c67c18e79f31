"""Let exports run after data sources: what segments report of a successful import."""

from exports.state import triggered
from segments.models import DataSource


class ExportsAfterSources:
    """Implements ``segments.hooks.SourceFollowers``."""

    def imported(self, source: DataSource) -> None:
        """Note the exports that run after the data source, within the transaction that ends the import."""
        triggered.note_source(source.pk, source.name)
