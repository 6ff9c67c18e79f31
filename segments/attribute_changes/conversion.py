"""Convert the values of an attribute to another type, from their original texts, in SQL of DuckDB."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from segments.catalog import Attribute
from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType
from segments.sources.conversion import typed_query, written
from segments.sources.email_column import add_email_column
from segments.store.attribute_columns import CONVERTED
from segments.store.lake import Reader
from segments.store.profiles import source_profiles

# The key of the plan for values that no data source has a column for any more.
NO_SOURCE: Final = ""

# How the texts of each data source are written, by its ID.
SourcePlans = Mapping[str, ColumnPlan]


@dataclass(frozen=True)
class Conversion:
    """The conversion of an attribute. ``before`` says how the texts of each data source were converted, ``after``
    how they are converted now; both have a plan for NO_SOURCE."""

    attribute: Attribute
    before: SourcePlans
    after: SourcePlans

    def query(self) -> str:
        """Return a query of the values of profiles: ``id``, the original ``text``, the new ``value``, the
        ``original`` where the value does not give it back, and ``is_misfit``."""
        sources: defaultdict[tuple[ColumnPlan, ColumnPlan], list[str]] = defaultdict(list)
        for source in self.before:
            sources[_spelling(self.before[source]), _spelling(self.after[source])].append(source)
        parts = [self._part(before, after, ids) for (before, after), ids in sources.items()]
        return " UNION ALL ".join(parts)

    def texts(self, source: str) -> str:
        """Return a query of the original texts of a data source: ``id`` and ``text``."""
        return f"SELECT _line AS id, t0 AS text FROM {self._texts(self.before[source], [source])}"

    def _part(self, before: ColumnPlan, after: ColumnPlan, sources: Iterable[str]) -> str:
        typed = typed_query(self._texts(before, sources), [after], {"given": "t0"})
        original = "o0" if after.type is not ColumnType.TEXT else "NULL::VARCHAR"
        return (
            f"SELECT _line AS id, given AS text, v0 AS value, {original} AS original, m0 AS is_misfit"
            f" FROM ({typed})"
        )

    def _texts(self, before: ColumnPlan, sources: Iterable[str]) -> str:
        """Return a sub-query of original texts: ``_line``, which is the ID of the profile, and ``t0``."""
        column, text = self.attribute.column, written(self.attribute.column, before)
        if self.attribute.has_originals:
            text = f"coalesce({self.attribute.text_column}, {text})"
        chosen = " OR ".join(map(self._condition, sources))
        texts = f"SELECT id AS _line, {text} AS t0 FROM {source_profiles()} WHERE {chosen}"
        return f"(SELECT * FROM ({texts}) WHERE t0 IS NOT NULL) AS {column}_texts"

    def _condition(self, source: str) -> str:
        if source != NO_SOURCE:
            return f"source_id = {int(source)}"
        others = ", ".join(str(int(each)) for each in self.before if each != NO_SOURCE)
        return f"source_id NOT IN ({others})" if others else "true"


@dataclass(frozen=True)
class ConversionCounts:
    """How many values there are, and how many are empty afterwards: misfits, and words for no value."""

    values: int = 0
    misfits: int = 0
    null_words: int = 0

    @property
    def fitting(self) -> int:
        """How many have a value afterwards."""
        return self.values - self.misfits - self.null_words


def plan_for(kind: ColumnType, spelling: ColumnFormat | None = None) -> ColumnPlan:
    """Return the plan of values of a type without a column."""
    return ColumnPlan("value", type=kind, format=spelling or ColumnFormat())


def fill_converted(reader: Reader, query: str, kind: ColumnType) -> None:
    """Fill the table CONVERTED with the values of a query of ``id``, ``value`` and ``original``, of this type; the
    normal forms of addresses are added to texts."""
    reader.execute(f"CREATE OR REPLACE TEMPORARY TABLE {CONVERTED} AS {query}")
    is_text = kind is ColumnType.TEXT
    has_sign = is_text and reader.rows(f"SELECT 1 FROM {CONVERTED} WHERE contains(value, '@') LIMIT 1")
    if has_sign:
        add_email_column(reader.connection, CONVERTED, "value", "email")
    else:
        reader.execute(f"ALTER TABLE {CONVERTED} ADD COLUMN email VARCHAR")


def with_new_columns(reader: Reader, attribute: Attribute, number: int) -> Attribute:
    """Return an attribute with the columns that the table CONVERTED needs, by their number."""
    emails, originals = reader.row(
        f"SELECT coalesce(bool_or(email IS NOT NULL), false), coalesce(bool_or(original IS NOT NULL), false)"
        f" FROM {CONVERTED}"
    )
    return replace(attribute, column_number=number, has_emails=emails, has_originals=originals)


def _spelling(plan: ColumnPlan) -> ColumnPlan:
    """Return a plan with nothing but what matters to the conversion of a text."""
    return ColumnPlan("value", type=plan.type, format=plan.format, null_words=plan.null_words)
