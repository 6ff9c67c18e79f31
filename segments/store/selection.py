"""Select what exports read of profiles: addresses, mapped values, consent and yes/no answers, as SQL of DuckDB."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.platform.text.address_share import AddressShare
from config.platform.text.addresses import LONGEST_EMAIL, VALID_EMAIL
from config.platform.text.value_format import AS_IS, MappedValue
from segments import catalog
from segments.catalog import Attribute
from segments.models import AttributeType
from segments.store.engine import quoted
from segments.store.formatting import BLANKS, formatted_sql, text_sql

# In lower case; anything else, or nothing, is a no.
MEANS_YES = ("yes", "y", "true", "on", "1")


@dataclass(frozen=True)
class MemberSelection:
    """What to read of each member: the email in an attribute, the mapped attributes, and what the attributes for
    consent and of yes/no questions say; and whether the address is in ``share``."""

    email: str
    mapped: Sequence[MappedValue] = ()
    consent: str = ""  # empty: everyone agrees
    yes_no: Sequence[str] = ()
    share: AddressShare | None = None
    # What is written after the mapped values: for addresses in the share, and for all others.
    share_words: tuple[str, str] | None = None


def selection_sql(selection: MemberSelection, profiles: str, excluded: str = "") -> str:
    """Return a query over ``profiles``, a query of profiles in parentheses; ``excluded`` is such a query of the
    profiles that no export sends.

    Its columns are ``profile_id`` and ``updated_at``; ``email``, normalized, NULL without a value, the trimmed
    text when it is no address; ``mapped``, a JSON array of the mapped attributes; ``agreed`` and ``declined`` by
    the attribute for consent; ``says_0``, ``says_1`` …, whether each yes/no attribute says yes; ``valid``, whether
    mail can be delivered to the address, NULL without one; ``excluded``, whether no export sends the profile, or
    another one with the address; ``in_share``, whether the address is in the share of the selection.
    """
    known = {each.name: each for each in catalog.attributes()}
    says = [f"{_says_yes(known.get(name))} AS says_{at}" for at, name in enumerate(selection.yes_no)]
    agreed, declined = _consent(selection.consent, known)
    email = email_sql(selection.email, known)
    in_share = selection.share.sql(email) if selection.share else "false"
    columns = [
        "id AS profile_id",
        "updated_at",
        f"{email} AS email",
        f"{_mapped(selection.mapped, known, _word(in_share, selection))} AS mapped",
        f"{agreed} AS agreed",
        f"{declined} AS declined",
        *says,
        f"{in_share} AS in_share",
    ]
    valid = f"regexp_matches(email, {quoted(VALID_EMAIL)}) AND strlen(email) <= {LONGEST_EMAIL}"
    is_excluded = f"({is_excluded_sql(excluded, known)})" if excluded else "false"
    return (
        f"SELECT *, {valid} AS valid, {is_excluded} AS excluded FROM (SELECT {', '.join(columns)} FROM {profiles})"
    )


def _emails_of(excluded: str, known: Mapping[str, Attribute]) -> str:
    """Return a query of all addresses of the profiles in ``excluded``, a query of profiles in parentheses."""
    columns = [each.email_column for each in known.values() if each.has_emails]
    if not columns:
        return "SELECT NULL::VARCHAR WHERE false"
    emails = f"SELECT unnest([{', '.join(columns)}]) AS email FROM {excluded}"
    return f"SELECT email FROM ({emails}) WHERE email IS NOT NULL"


def is_excluded_sql(excluded: str, known: Mapping[str, Attribute]) -> str:
    """Return the condition that ``profile_id`` is one of the profiles in ``excluded``, or ``email`` one of their
    addresses."""
    by_email = f"coalesce(email IN ({_emails_of(excluded, known)}), false)"
    return f"profile_id IN (SELECT id FROM {excluded}) OR {by_email}"


def email_sql(name: str, known: Mapping[str, Attribute]) -> str:
    """Return an expression for the normalized email in an attribute: NULL without a value, the trimmed text in
    lower case when it is no address."""
    attribute = known.get(name)
    if attribute is None:
        return "NULL::VARCHAR"
    text = f"nullif(lower(trim({text_sql(attribute)}, {BLANKS})), '')"
    return f"coalesce({attribute.email_column}, {text})" if attribute.has_emails else text


def _word(in_share: str, selection: MemberSelection) -> list[str]:
    """Return an expression for the word of the share as JSON, in a list that is empty when none is written."""
    if selection.share_words is None:
        return []
    inside, outside = (quoted(f'"{word}"') for word in selection.share_words)
    return [f"CASE WHEN {in_share} THEN {inside} ELSE {outside} END"]


def _mapped(mapped: Sequence[MappedValue], known: Mapping[str, Attribute], following: Sequence[str] = ()) -> str:
    """Return an expression for a JSON array in the form of PostgreSQL's: hashes of sent data depend on it."""
    values = [*(_mapped_value(value, known) for value in mapped), *following]
    return f"'[' || {' || chr(44) || chr(32) || '.join(values)} || ']'" if values else "'[]'"


def _mapped_value(value: MappedValue, known: Mapping[str, Attribute]) -> str:
    attribute = known.get(value.attribute)
    if value.format != AS_IS:
        return f"coalesce(CAST(to_json({formatted_sql(value, known)}) AS VARCHAR), 'null')"
    return f"coalesce({_json(attribute)}, 'null')" if attribute else "'null'"


def _json(attribute: Attribute) -> str:
    text, kind, is_bare = text_sql(attribute), attribute.data_type, attribute.has_bare_numbers
    as_text = f"CAST(to_json({text}) AS VARCHAR)"
    if kind == AttributeType.BOOLEAN or (kind == AttributeType.NUMBER and is_bare is not False):
        return text
    if is_bare and kind == AttributeType.INTEGER:
        return text
    if is_bare and kind == AttributeType.TEXT:
        return f"CASE WHEN {_is_plain_number(text)} THEN {text} ELSE {as_text} END"
    return as_text


def _is_plain_number(text: str) -> str:
    """Return the condition that a text is how a number is shown."""
    pattern = quoted(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
    return f"regexp_full_match({text}, {pattern}) AND strlen({text}) <= 16 AND {text} <> '-0'"


def _consent(name: str, known: Mapping[str, Attribute]) -> tuple[str, str]:
    """Return expressions for whether a member agrees, and whether a member declines."""
    if not name:
        return "true", "false"
    attribute = known.get(name)
    if attribute is None or attribute.data_type != AttributeType.BOOLEAN:
        return "false", "false"
    return f"coalesce({attribute.column}, false)", f"coalesce(NOT {attribute.column}, false)"


def _says_yes(attribute: Attribute | None) -> str:
    if attribute is None:
        return "false"
    words = ", ".join(map(quoted, MEANS_YES))
    return f"coalesce(lower(trim({text_sql(attribute)})) IN ({words}), false)"
