"""The envelope of every reader that pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connections.destinations.campaign_monitor.sandbox.answers import Answer, ApiError
from connections.destinations.campaign_monitor.sandbox.calls import Call


@dataclass(frozen=True)
class Paging:
    """Which page is wanted, and in what order."""

    page: int
    size: int
    order: str
    direction: str

    @classmethod
    def of(cls, call: Call, *orders: str) -> "Paging":
        """What the query asks for, or errors 800 to 803. Without an order it is by date, the API's default."""
        order = call.parameters.get("orderfield", "").lower() or "date"
        direction = call.parameters.get("orderdirection", "").lower() or "asc"
        if order not in orders:
            raise ApiError(802)
        if direction not in {"asc", "desc"}:
            raise ApiError(803)
        page = _number(call, "page", 1, code=800, least=1)
        size = _number(call, "pagesize", 1000, code=801, least=10, most=1000)
        return cls(page, size, order, direction)

    def envelope(self, found: Sequence[Any], show: Callable[[Any], Any]) -> Answer:
        """One page of ``found``, which is in ascending order; only that page is shown by ``show``."""
        total, start = len(found), (self.page - 1) * self.size
        if self.direction == "asc":
            chosen = found[start : start + self.size]
        else:
            chosen = found[max(total - start - self.size, 0) : max(total - start, 0)][::-1]
        return Answer(
            value={
                "Results": [show(each) for each in chosen],
                "ResultsOrderedBy": self.order,
                "OrderDirection": self.direction,
                "PageNumber": self.page,
                "PageSize": self.size,
                "RecordsOnThisPage": len(chosen),
                "TotalNumberOfRecords": total,
                "NumberOfPages": -(-total // self.size),
            }
        )


def _number(call: Call, name: str, default: int, *, code: int, least: int, most: int = 2**31) -> int:
    text = call.parameters.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ApiError(code)
    return int(text)
