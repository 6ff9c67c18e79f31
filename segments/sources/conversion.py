"""Convert the texts of a column to typed values in SQL of DuckDB: value, original text, misfit."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from django.conf import settings

from segments.sources.column_plan import ColumnFormat, ColumnPlan, ColumnType
from segments.sources.files.regular_csv import literal

# What is trimmed from values: blanks, line breaks, no-break spaces, zero-width spaces, byte-order marks.
BLANKS: Final = " \t\n\r\u00a0\u200b\ufeff"
_TRIMMED: Final = " || ".join(f"chr({ord(blank)})" for blank in BLANKS)
_SIGNS: Final = " €$£¥₽₹%\u00a0\u202f"
TRUE_WORDS: Final = frozenset({"true", "yes", "y", "t", "1", "on"})
FALSE_WORDS: Final = frozenset({"false", "no", "n", "f", "0", "off"})
_TIMES: Final = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p")
_HAS_ZONE: Final = r"(?:[Zz]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})$"
_TIME_PART: Final = re.compile(r"[ ,T]*%[HI].*")
_EARLIEST_YEAR: Final = 1000

# The types of DuckDB that values have.
SQL_TYPES: Final = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.DATE: "DATE",
    ColumnType.DATETIME: "TIMESTAMPTZ",
    ColumnType.LIST: "VARCHAR[]",
}


def typed_query(
    relation: str, plans: Sequence[ColumnPlan], carried: Mapping[str, str] | None = None, *, blanks: str = BLANKS
) -> str:
    """Return the query that converts a table or sub-query of texts, as ``files.read.load`` makes it, by one plan
    for each column.

    It gives ``_line``, and for each column that is not ignored, numbered as in the table: the value ``v0``, which
    has the type of the plan and is NULL for blanks, null words and misfits; the original text ``o0`` where the
    value does not give it back, else NULL; and ``m0``, true for a misfit: a text that is not of the type.
    ``carried`` are further expressions over the table, by the names that the query gives them. ``blanks`` are
    those of BLANKS that the texts may begin or end with.
    """
    others = carried or {}
    typed = ["_line", *(f"{expression} AS {name}" for name, expression in others.items())]
    results = ["_line", *others]
    for number, plan in enumerate(plans):
        if plan.is_ignored:
            continue
        text, value = f"t{number}", f"v{number}"
        given = given_text(text, plan, blanks)
        quick = "" if plan.null_words else _QUICK[plan.type](text, plan.format)
        converted = typed_once(given, plan)
        typed += [text, f"{f'coalesce({quick}, {converted})' if quick else converted} AS {value}"]
        results += [
            value,
            f"{_original(text, value, plan)} AS o{number}",
            f"{_misfit(given, value, plan)} AS m{number}",
        ]
    return f"SELECT {', '.join(results)} FROM (SELECT {', '.join(typed)} FROM {relation}) AS typed"


def given_text(column: str, plan: ColumnPlan, blanks: str = BLANKS) -> str:
    """Return the expression of the trimmed text; NULL for blanks and null words."""
    # Trimming takes ten times as long as seeing that there is nothing to trim.
    first = f"{column} < '!'"
    if not blanks.isascii():
        codes = [ord(blank) for blank in BLANKS if not blank.isascii()]
        first = f"CASE WHEN {column} > '~' THEN list_contains({codes}, unicode({column})) ELSE {first} END"
    conditions = " OR ".join([first, *(f"suffix({column}, chr({ord(blank)}))" for blank in blanks)])
    trimmed = f"CASE WHEN {conditions} THEN trim({column}, {_TRIMMED}) ELSE {column} END"
    if not plan.null_words:
        return f"nullif({trimmed}, '')"
    missing = ", ".join(literal(word) for word in ("", *plan.null_words))
    # DuckDB makes a join of each IN, with memory of its own.
    return f"CASE WHEN list_contains([{missing}], {trimmed}) THEN NULL ELSE {trimmed} END"


def typed_value(text: str, plan: ColumnPlan) -> str:
    """Return the expression of the typed value of a trimmed text."""
    return _VALUES[plan.type](text, plan.format)


def typed_once(text: str, plan: ColumnPlan) -> str:
    """Return the expression of the typed value of a trimmed text that is an expression of its own: it is evaluated
    once. DuckDB prepares each operation of a query, so a text that stands in ten conditions would take the time
    and memory of ten texts before the first row."""
    if plan.type is ColumnType.TEXT:
        return text
    return f"list_transform([{text}], given -> {typed_value('given', plan)})[1]"


def written(value: str, plan: ColumnPlan) -> str:
    """Return the expression that writes a typed value as the column has it: the inverse of the conversion for the
    usual spelling."""
    return _WRITTEN[plan.type](value, plan.format)


def _original(column: str, value: str, plan: ColumnPlan) -> str:
    return f"CASE WHEN {written(value, plan)} IS DISTINCT FROM {column} THEN {column} END"


def _misfit(text: str, value: str, plan: ColumnPlan) -> str:
    if plan.type is ColumnType.TEXT:
        return "false"
    return f"CASE WHEN {value} IS NULL THEN {text} IS NOT NULL ELSE false END"


def _text(text: str, _spelling: ColumnFormat) -> str:
    return text


def _integer(text: str, spelling: ColumnFormat) -> str:
    if spelling.thousands:
        grouped = f"regexp_full_match({text}, {literal(_grouped(spelling) + '$')})"
        bare = f"CASE WHEN {grouped} THEN {_without_groups(text, spelling)} ELSE {text} END"
    else:
        bare = text
    # A cast alone would round 1.5 and read 1e5; there and back is faster than a pattern.
    number = f"TRY_CAST({bare} AS BIGINT)"
    return (
        f"CASE WHEN CAST({number} AS VARCHAR) = {bare} THEN {number} "
        f"WHEN regexp_full_match({bare}, '[+-]?[0-9]{{1,18}}') THEN {number} END"
    )


def _number(text: str, spelling: ColumnFormat) -> str:
    plain = text if spelling.decimal == "." else f"replace({text}, {literal(spelling.decimal)}, '.')"
    guard = (
        text
        if spelling.decimal == "."
        else f"replace(replace({text}, '.', '?'), {literal(spelling.decimal)}, '.')"
    )
    signs = f"trim({text}, {literal(_SIGNS)})"
    decimals = re.escape(spelling.decimal)
    pattern = literal(_grouped(spelling) + rf"(?:{decimals}[0-9]+)?")
    cleaned = f"replace({_without_groups(signs, spelling)}, {literal(spelling.decimal)}, '.')"
    return (
        f"CASE WHEN regexp_full_match({guard}, '[+-]?[0-9]+(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]{{1,2}})?') "
        f"THEN TRY_CAST({plain} AS DOUBLE) "
        f"WHEN regexp_full_match({signs}, {pattern}) THEN TRY_CAST({cleaned} AS DOUBLE) END"
    )


def _grouped(spelling: ColumnFormat) -> str:
    """Return the pattern of the digits before the decimal sign, in groups of three when the plan says so."""
    if not spelling.thousands:
        return "[+-]?[0-9]+"
    sign = "[ \u00a0\u202f]" if spelling.thousands == " " else re.escape(spelling.thousands)
    return f"[+-]?[0-9]{{1,3}}(?:{sign}[0-9]{{3}})*"


def _without_groups(text: str, spelling: ColumnFormat) -> str:
    if not spelling.thousands:
        return text
    signs = " \u00a0\u202f" if spelling.thousands == " " else spelling.thousands
    for sign in signs:
        text = f"replace({text}, {literal(sign)}, '')"
    return text


def _boolean(text: str, spelling: ColumnFormat) -> str:
    true, false = spelling.true_word.casefold(), spelling.false_word.casefold()
    trues = ", ".join(map(literal, sorted((TRUE_WORDS | {true}) - {false})))
    falses = ", ".join(map(literal, sorted((FALSE_WORDS | {false}) - {true})))
    return (  # the words as they are usually written first, which takes a fifth of the time
        f"CASE WHEN {text} = {literal(spelling.true_word)} THEN true "
        f"WHEN {text} = {literal(spelling.false_word)} THEN false "
        f"WHEN lower({text}) IN ({trues}) THEN true WHEN lower({text}) IN ({falses}) THEN false END"
    )


def _date(text: str, spelling: ColumnFormat) -> str:
    if spelling.date_format:
        found = f"CAST(try_strptime({text}, {literal(spelling.date_format)}) AS DATE)"
        return f"CASE WHEN year({found}) >= {_EARLIEST_YEAR} THEN {found} END"
    # A cast alone would read “infinity”, years before Christ, and two digits as the first century.
    is_usual = f"strlen({text}) <= 10 AND {text} >= '0' AND {text} < ':' AND {text}[5] IN ('-', '/')"
    return f"CASE WHEN {is_usual} THEN TRY_CAST({text} AS DATE) END"


def _datetime(text: str, spelling: ColumnFormat) -> str:
    zone = literal(_zone(spelling))
    if spelling.date_format and not spelling.date_format.startswith("%Y-%m-%d"):
        day = _TIME_PART.sub("", spelling.date_format)
        formats = dict.fromkeys([spelling.date_format, *(f"{day} {time}" for time in _TIMES), day])
        found = f"try_strptime({text}, [{', '.join(map(literal, formats))}])"
        return f"CASE WHEN year({found}) >= {_EARLIEST_YEAR} THEN timezone({zone}, {found}) END"
    pattern = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?)?"
    naive = f"timezone({zone}, TRY_CAST({text} AS TIMESTAMP))"
    # DuckDB wants seconds before a zone, and a colon in the zone.
    minutes = f"regexp_replace({text}, '([ T][0-9]{{1,2}}:[0-9]{{2}})( ?(?:Z|UTC|GMT|[+-]))', '\\1:00\\2')"
    colon = f"regexp_replace({minutes}, ' ?([+-][0-9]{{2}}):?([0-9]{{2}})$', '\\1:\\2')"
    utc = f"regexp_replace({colon}, ' ?(?:UTC|GMT|z)$', 'Z')"
    return (
        f"CASE WHEN {is_plain_moment(text)} THEN {naive} "
        f"WHEN {_is_plain_utc(text)} THEN TRY_CAST({text} AS TIMESTAMPTZ) "
        f"WHEN regexp_full_match({text}, '{pattern}') THEN {naive} "
        f"WHEN regexp_full_match({text}, '{pattern} ?{_HAS_ZONE}') THEN TRY_CAST({utc} AS TIMESTAMPTZ) END"
    )


def is_plain_moment(text: str) -> str:
    """Return the cheap condition that a text has the form 2024-02-29 10:00:00, perhaps without seconds."""
    forms = ("____-__-__ __:__:__", "____-__-__T__:__:__", "____-__-__ __:__", "____-__-__T__:__")
    return f"({' OR '.join(f'{text} LIKE {literal(form)}' for form in forms)})"


def _is_plain_utc(text: str) -> str:
    """Return the cheap condition that a text has the form 2024-02-29T10:00:00Z."""
    return f"{text} LIKE '____-__-__T__:__:__Z'"


def _quick_integer(text: str, _spelling: ColumnFormat) -> str:
    number = f"TRY_CAST({text} AS BIGINT)"
    return f"CASE WHEN CAST({number} AS VARCHAR) = {text} THEN {number} END"


def _quick_number(text: str, spelling: ColumnFormat) -> str:
    if spelling.decimal != "." or not spelling.decimals:
        return ""
    as_written = f"CAST(TRY_CAST({text} AS DECIMAL(18, {spelling.decimals:d})) AS VARCHAR)"
    return f"CASE WHEN {as_written} = {text} THEN TRY_CAST({text} AS DOUBLE) END"


def _quick_boolean(text: str, spelling: ColumnFormat) -> str:
    true, false = literal(spelling.true_word), literal(spelling.false_word)
    return f"CASE {text} WHEN {true} THEN true WHEN {false} THEN false END"


def _quick_date(text: str, spelling: ColumnFormat) -> str:
    if spelling.date_format:
        return ""
    is_usual = f"strlen({text}) = 10 AND {text} >= '0' AND {text} < ':' AND {text}[5] = '-'"
    return f"CASE WHEN {is_usual} THEN TRY_CAST({text} AS DATE) END"


def _quick_moment(text: str, spelling: ColumnFormat) -> str:
    if spelling.date_format and not spelling.date_format.startswith("%Y-%m-%d"):
        return ""
    if spelling.date_format.endswith("Z"):
        return f"CASE WHEN {text} >= '0' AND {_is_plain_utc(text)} THEN TRY_CAST({text} AS TIMESTAMPTZ) END"
    moment = f"timezone({literal(_zone(spelling))}, TRY_CAST({text} AS TIMESTAMP))"
    # The cast trims blanks, which would stand for digits here.
    return f"CASE WHEN {text} >= '0' AND {text}[-1] >= '0' AND {is_plain_moment(text)} THEN {moment} END"


def _list(text: str, spelling: ColumnFormat) -> str:
    if not spelling.separator:
        return (
            f"CASE WHEN json_valid({text}) AND json_type({text}) = 'ARRAY' "
            f"THEN from_json({text}, '[\"VARCHAR\"]') END"
        )
    sign = re.escape(spelling.separator)
    items_of = f'regexp_extract_all({text}, \'"(?:[^"]|"")*"|[^"{sign}]+\')'
    split = f"string_split({text}, {literal(spelling.separator)})"
    parts = f"CASE WHEN contains({text}, '\"') THEN {items_of} ELSE {split} END"
    items = f"list_transform({parts}, item -> replace(trim(trim(item, {_TRIMMED}), '\"'), '\"\"', '\"'))"
    return f"list_filter({items}, item -> item <> '')"


def _written_as_cast(value: str, _spelling: ColumnFormat) -> str:
    return f"CAST({value} AS VARCHAR)"


def _written_boolean(value: str, spelling: ColumnFormat) -> str:
    true, false = literal(spelling.true_word), literal(spelling.false_word)
    return f"CASE {value} WHEN true THEN {true} WHEN false THEN {false} END"


def _written_date(value: str, spelling: ColumnFormat) -> str:
    if not spelling.date_format:
        return _written_as_cast(value, spelling)
    return f"strftime({value}, {literal(spelling.date_format)})"


def _written_list(value: str, spelling: ColumnFormat) -> str:
    if not spelling.separator:
        return f"CAST(to_json({value}) AS VARCHAR)"
    return f"array_to_string({value}, {literal(spelling.separator)})"


def _zone(spelling: ColumnFormat) -> str:
    return spelling.time_zone or settings.TIME_ZONE


def _written_number(value: str, spelling: ColumnFormat) -> str:
    whole = f"CAST(CAST({value} AS BIGINT) AS VARCHAR)"
    if spelling.decimals:
        digits = f"CAST(TRY_CAST({value} AS DECIMAL(18, {spelling.decimals:d})) AS VARCHAR)"
    else:
        is_whole = f"{value} = trunc({value}) AND abs({value}) < 1e15"
        digits = f"CASE WHEN {is_whole} THEN {whole} ELSE CAST({value} AS VARCHAR) END"
    return digits if spelling.decimal == "." else f"replace({digits}, '.', {literal(spelling.decimal)})"


def _written_moment(value: str, spelling: ColumnFormat) -> str:
    pattern = spelling.date_format or "%Y-%m-%d %H:%M:%S"
    zone = "UTC" if pattern.endswith("Z") else _zone(spelling)
    # The function timezone takes fifteen times as long.
    local = f"make_timestamp(epoch_us({value}))" if zone == "UTC" else f"timezone({literal(zone)}, {value})"
    if pattern == "%Y-%m-%d %H:%M:%S":  # a cast is several times faster
        return f"CAST({local} AS VARCHAR)"
    if pattern == "%Y-%m-%dT%H:%M:%SZ":
        return f"replace(CAST({local} AS VARCHAR), ' ', 'T') || 'Z'"
    return f"strftime({local}, {literal(pattern)})"


_VALUES: Final[dict[ColumnType, Callable[[str, ColumnFormat], str]]] = {
    ColumnType.TEXT: _text,
    ColumnType.INTEGER: _integer,
    ColumnType.NUMBER: _number,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.DATE: _date,
    ColumnType.DATETIME: _datetime,
    ColumnType.LIST: _list,
}

# The same for the usual spelling, without trimming; NULL for others. It is never another value than of _VALUES.
_QUICK: Final[dict[ColumnType, Callable[[str, ColumnFormat], str]]] = {
    ColumnType.TEXT: lambda _text, _spelling: "",
    ColumnType.INTEGER: _quick_integer,
    ColumnType.NUMBER: _quick_number,
    ColumnType.BOOLEAN: _quick_boolean,
    ColumnType.DATE: _quick_date,
    ColumnType.DATETIME: _quick_moment,
    ColumnType.LIST: lambda _text, _spelling: "",
}

_WRITTEN: Final[dict[ColumnType, Callable[[str, ColumnFormat], str]]] = {
    ColumnType.TEXT: _text,
    ColumnType.INTEGER: _written_as_cast,
    ColumnType.NUMBER: _written_number,
    ColumnType.BOOLEAN: _written_boolean,
    ColumnType.DATE: _written_date,
    ColumnType.DATETIME: _written_moment,
    ColumnType.LIST: _written_list,
}
