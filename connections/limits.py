"""Define what may be sent over a connection: an administrator's limits, which hold for all users and in every
way an export can be made. Pure: knows names and numbers only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _


@dataclass(frozen=True)
class Breach:
    """One thing in an export's settings that the limits forbid. ``attribute`` names the attribute of a mapping."""

    part: str  # list_id, email_attribute, mapping or removal
    sentence: str
    attribute: str = ""


@dataclass(frozen=True)
class Limits:
    """The limits of one connection; without any, everything that an export may do is allowed."""

    lists: tuple[str, ...] = ()  # ids; empty: every list of the account
    withheld: tuple[str, ...] = ()  # attributes that never leave
    allowed: tuple[str, ...] | None = None  # None: every attribute; else no other leaves
    required_attribute: str = ""  # must be true for a person to be sent at all
    most_people: int | None = None  # what the contract allows
    may_remove: bool = True  # whether exports may take people off lists
    may_resubscribe: bool = False  # whether somebody may let unsubscribed people be subscribed again

    @classmethod
    def kept(cls, kept: Mapping[str, Any]) -> "Limits":
        """Read the limits from what a connection keeps."""
        values = {name: value for name, value in kept.items() if name in cls.__dataclass_fields__}
        for name in ("lists", "withheld", "allowed"):
            if values.get(name) is not None:
                values[name] = tuple(values[name])
        return cls(**values)

    def keep(self) -> dict[str, Any]:
        """Write the limits as a connection keeps them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def allows_list(self, list_id: str) -> bool:
        return not self.lists or list_id.casefold() in {known.casefold() for known in self.lists}

    def allows_attribute(self, name: str) -> bool:
        """Tell whether the attribute may be sent, in any case of its name."""
        if name.casefold() in _folded(self.withheld):
            return False
        return self.allowed is None or name.casefold() in _folded(self.allowed)

    def breaches(
        self, *, list_id: str, email_attribute: str, mapping: Iterable[Mapping[str, str]], removes: bool = False
    ) -> list[Breach]:
        """Return what of an export's settings the limits forbid."""
        found = []
        if removes and not self.may_remove:
            sentence = _("The limits of the connection do not allow exports to remove subscribers.")
            found.append(Breach("removal", sentence))
        if list_id and not self.allows_list(list_id):
            found.append(Breach("list_id", _("The limits of the connection do not allow this list.")))
        if email_attribute and not self.allows_attribute(email_attribute):
            found.append(Breach("email_attribute", forbidden(email_attribute), email_attribute))
        for name in dict.fromkeys(pair["attribute"] for pair in mapping):
            if name and not self.allows_attribute(name):
                found.append(Breach("mapping", forbidden(name), name))
        return found


def forbidden(attribute: str) -> str:
    """Return the sentence that an attribute may not be sent."""
    return _("The limits of the connection block the attribute “%(name)s”.") % {"name": attribute}


def _folded(names: Sequence[str]) -> set[str]:
    return {name.casefold() for name in names}
