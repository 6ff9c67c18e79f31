"""Count how many members met which decision of a plan."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlanCounts:
    """How many members met which verdict."""

    invalid: int = 0
    duplicate: int = 0
    exclusion: int = 0
    no_consent: int = 0
    control: int = 0
    unchanged: int = 0
    suppressed: int = 0
    still_refused: int = 0
    add: int = 0
    update: int = 0
    clear_mark: int = 0  # had left and were marked; come back
    readd: int = 0  # had left and were deleted; come back
    resubscribe: int = 0  # the list had left them as they are; a person lets them be sent all the same

    @property
    def members(self) -> int:
        return self.invalid + self.duplicate + self.not_wanted + self.people

    @property
    def not_wanted(self) -> int:
        """Contacts with a valid address of their own that are excluded."""
        return self.exclusion + self.no_consent + self.control

    @property
    def people(self) -> int:
        """Who is, or shall be, on the list because of this plan, or was refused there."""
        return self.unchanged + self.kept_out + self.to_send

    @property
    def kept_out(self) -> int:
        """Contacts that are not sent since the list would not take them."""
        return self.suppressed + self.still_refused

    @property
    def to_add(self) -> int:
        return self.add + self.clear_mark + self.readd

    @property
    def to_update(self) -> int:
        return self.update + self.resubscribe

    @property
    def to_send(self) -> int:
        return self.to_add + self.to_update
