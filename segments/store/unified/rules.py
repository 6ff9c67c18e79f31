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

    def values(self, profiles: str) -> str:
        """Return a query of the normal forms of the values in ``profiles``, a query of profiles in parentheses:
        the columns ``id`` and ``value``, without profiles that have none."""
        return f"SELECT id, value FROM ({self._forms(profiles)}) WHERE value IS NOT NULL"

    def _forms(self, profiles: str) -> str:
        column = self.attribute.column
        match self.form:
            case NormalForm.EMAIL if self.attribute.has_emails:
                return f"SELECT id, {self.attribute.email_column} AS value FROM {profiles}"
            case NormalForm.PHONE:
                return _phones(f"CAST({column} AS VARCHAR)", profiles)
        text = column if self.attribute.data_type == AttributeType.TEXT else f"CAST({column} AS VARCHAR)"
        return f"SELECT id, nullif(lower(nfc_normalize(trim({text}, {_BLANKS}))), '') AS value FROM {profiles}"


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


def is_applied() -> bool:
    """Say whether readers read unified profiles."""
    return IdentityRules.objects.filter(is_applied=True).exists()


def newest_rules() -> UnifyRules | None:
    """Return the identity rules as they were saved last; None while writers do not unify profiles."""
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


def _phones(text: str, profiles: str) -> str:
    """Return a query of phone numbers as digits, after a plus sign when they are international: the library that
    knows the numbers of each country would need the country of each profile."""
    digits = f"regexp_replace(replace({text}, '(0)', ''), '[^0-9]', '', 'g')"
    parts = f"SELECT id, {digits} AS digits, starts_with(ltrim({text}, ' ('), '+') AS is_full FROM {profiles}"
    return (
        f"SELECT id, CASE WHEN length(digits) < {_LEAST_DIGITS:d} THEN NULL WHEN is_full THEN '+' || digits"
        f" WHEN starts_with(digits, '00') THEN '+' || substr(digits, 3) ELSE digits END AS value FROM ({parts})"
    )
