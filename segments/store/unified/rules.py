"""Read the identity rules, and express the normal forms of identifying attributes in SQL of DuckDB."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segments import catalog
from segments.catalog import Attribute
from segments.models import AttributeType, IdentityRules, NormalForm, ValuePreference

# A value that more profiles share identifies no customer, such as info@example.com or “unknown”.
MOST_SHARED = 20
# With fewer digits it is no phone number.
_LEAST_DIGITS = 6
# What surrounds a text without being part of it.
_BLANKS = "chr(32) || chr(9) || chr(10) || chr(13) || chr(160)"


@dataclass(frozen=True)
class Identifier:
    """An attribute whose equal values mean that profiles are one customer."""

    attribute: Attribute
    form: NormalForm

    @property
    def sql(self) -> str:
        """An expression for the normal form of the value; NULL when there is none."""
        column = self.attribute.column
        match self.form:
            case NormalForm.EMAIL if self.attribute.has_emails:
                return self.attribute.email_column
            case NormalForm.PHONE:
                return _phone(f"CAST({column} AS VARCHAR)")
        text = column if self.attribute.data_type == AttributeType.TEXT else f"CAST({column} AS VARCHAR)"
        return f"nullif(lower(nfc_normalize(trim({text}, {_BLANKS}))), '')"


@dataclass(frozen=True)
class UnifyRules:
    """The identity rules, with attributes of the catalog. Without identifiers no profiles are unified."""

    identifiers: tuple[Identifier, ...] = ()
    source_order: tuple[int, ...] = ()
    preference: ValuePreference = ValuePreference.SOURCE_ORDER
    exceptions: frozenset[int] = frozenset()
    version: int = 0

    def preference_of(self, attribute: Attribute) -> ValuePreference:
        """Return which value of an attribute a unified profile gets."""
        if attribute.id not in self.exceptions:
            return self.preference
        others = {
            ValuePreference.SOURCE_ORDER: ValuePreference.MOST_RECENT,
            ValuePreference.MOST_RECENT: ValuePreference.SOURCE_ORDER,
        }
        return others[self.preference]


def is_in_use() -> bool:
    """Say whether there may be unified profiles."""
    return IdentityRules.objects.filter(is_in_use=True).exists()


def newest_rules() -> UnifyRules | None:
    """Return the identity rules as they were saved last; None while there are no unified profiles."""
    stored = IdentityRules.objects.filter(is_in_use=True).first()
    return rules_of(stored) if stored else None


def rules_of(stored: IdentityRules) -> UnifyRules:
    """Return identity rules with the attributes that the catalog has."""
    known = {each.id: each for each in catalog.attributes()}
    return UnifyRules(
        identifiers=tuple(_identifier(each, known) for each in stored.identifiers if each["attribute"] in known),
        source_order=tuple(stored.source_order),
        preference=ValuePreference(stored.preference),
        exceptions=frozenset(stored.exceptions),
        version=stored.version,
    )


def _identifier(stored: Mapping[str, Any], known: Mapping[int, Attribute]) -> Identifier:
    return Identifier(known[stored["attribute"]], NormalForm(stored["form"]))


def _phone(text: str) -> str:
    """Return an expression for a phone number as digits, after a plus sign when it is international: the library
    that knows the numbers of each country would need the country of each profile."""
    plain = f"replace({text}, '(0)', '')"
    digits = f"regexp_replace({plain}, '[^0-9]', '', 'g')"
    international = f"regexp_matches({plain}, '^[^0-9]*\\+')"
    return (
        f"CASE WHEN length({digits}) < {_LEAST_DIGITS:d} THEN NULL WHEN {international} THEN '+' || {digits}"
        f" WHEN starts_with({digits}, '00') THEN '+' || substr({digits}, 3) ELSE {digits} END"
    )
