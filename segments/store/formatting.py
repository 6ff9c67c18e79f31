"""Write values of profile attributes as texts, by the formats of mapped fields, in SQL of DuckDB."""

from collections.abc import Mapping

from django.utils import timezone

from config.platform.text.value_format import DateFormat, LetterCase, MappedValue
from segments.catalog import Attribute
from segments.models import AttributeType
from segments.store.engine import quoted

BLANKS = "chr(32) || chr(9) || chr(13) || chr(10)"
# Words, with apostrophes inside, and what is between them.
_WORDS = quoted(r"[\p{L}\p{M}'’]+|[^\p{L}\p{M}'’]+")


def text_sql(attribute: Attribute) -> str:
    """Return an expression for a value as text, as attributes are shown."""
    column = attribute.column
    if attribute.data_type == AttributeType.NUMBER:
        whole = f"{column} = trunc({column}) AND abs({column}) < 1e15"
        return (
            f"CASE WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
        )
    return column if attribute.data_type == AttributeType.TEXT else f"CAST({column} AS VARCHAR)"


def given_sql(value: MappedValue, known: Mapping[str, Attribute]) -> str:
    """Return an expression for the values of the attributes as they are, without the format."""
    return _joined([_trimmed(text_sql(known[name])) for name in value.attributes if name in known], ", ")


def formatted_sql(value: MappedValue, known: Mapping[str, Attribute]) -> str:
    """Return an expression for the text of a value in its format; NULL where there is none. Attributes that are
    not ``known`` have no values."""
    attributes = [known[name] for name in value.attributes if name in known]
    text = _joined([_text_of(each, value.format.date_format) for each in attributes], value.format.separator)
    cased = _in_case(text, value.format.letter_case)
    return f"coalesce({cased}, {quoted(value.format.default)})" if value.format.default else cased


def _text_of(attribute: Attribute, date_format: DateFormat) -> str:
    text = text_sql(attribute)
    if date_format and attribute.data_type in {AttributeType.DATE, AttributeType.DATETIME}:
        # Times are stored in UTC; the date is that of the environment's zone, as in rules.
        is_time = attribute.data_type == AttributeType.DATETIME
        zone = timezone.get_default_timezone_name()
        moment = f"timezone({quoted(zone)}, {attribute.column})" if is_time else attribute.column
        text = f"strftime({moment}, {quoted(date_format.pattern)})"
    return _trimmed(text)


def _trimmed(text: str) -> str:
    return f"nullif(trim({text}, {BLANKS}), '')"


def _joined(texts: list[str], separator: str) -> str:
    if len(texts) < 2:
        return texts[0] if texts else "NULL::VARCHAR"
    return f"nullif(concat_ws({quoted(separator)}, {', '.join(texts)}), '')"


def _in_case(text: str, letter_case: LetterCase) -> str:
    if letter_case is LetterCase.AS_IS:
        return text
    if letter_case is not LetterCase.TITLE:
        return f"{letter_case.value}({text})"
    words = f"regexp_extract_all(lower({text}), {_WORDS})"
    return f"array_to_string(list_transform({words}, lambda part: upper(part[1]) || part[2:]), '')"
