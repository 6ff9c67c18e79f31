"""Hold sent campaigns with their results. The control endpoint ``campaigns`` adds them: nothing is sent."""

from dataclasses import dataclass, field

COUNTS = ("recipients", "opens", "opened", "clicks", "unsubscribed", "bounced", "complaints")


@dataclass
class Campaign:
    """A sent campaign of a client; ``sent`` is in the time zone of the client, ``counts`` are by COUNTS."""

    id: str
    client_id: str
    name: str
    subject: str
    sent: str
    lists: list[str]
    segments: list[dict[str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, name: str) -> int:
        """Return one of the results; 0 when none was set."""
        return self.counts.get(name, 0)
