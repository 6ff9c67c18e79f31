"""Types of parameters and bodies of the REST API, and pages of lists."""

from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

LARGEST_ID = 2**63 - 1
PAGE_SIZE, LARGEST_PAGE = 50, 500

RowT = TypeVar("RowT", bound=Model)
ItemT = TypeVar("ItemT")


def _whole(value: object) -> object:
    """Return a whole number that is written with a decimal point, such as 1.0, as JSON Schema takes it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


# Behind the limits in the annotation, so that these stay in the JSON Schema.
WHOLE = BeforeValidator(_whole)
Id = Annotated[int, Field(ge=1, le=LARGEST_ID), WHOLE]
Limit = Annotated[int, Field(ge=1, le=LARGEST_PAGE)]
# PostgreSQL stores no NUL character.
Name = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00]*\S[^\x00]*$")]
Text = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]


class Body(Schema):
    """Base of bodies: types are not converted, and unknown members are refused."""

    model_config = ConfigDict(strict=True, extra="forbid")


class Answer(BaseModel):
    """Base of answers: what an operation has made is not checked a second time, as ninja's own base would."""


class Page(Answer, Generic[ItemT]):
    """A part of a list; ``next_cursor`` asks for the next part, and is null in the last one."""

    items: list[ItemT]
    next_cursor: int | None


def page_of(
    rows: "QuerySet[RowT]",
    convert: Callable[[list[RowT]], list[Any]],
    *,
    cursor: int | None,
    limit: int,
    newest_first: bool = False,
) -> dict[str, Any]:
    """Return the part of a list that begins after the row with the ID ``cursor``. Its costs do not grow with the
    number of parts before it, and rows that are added meanwhile shift nothing."""
    if cursor is not None:
        rows = rows.filter(pk__lt=cursor) if newest_first else rows.filter(pk__gt=cursor)
    found = list(rows.order_by("-pk" if newest_first else "pk")[: limit + 1])
    shown = found[:limit]
    return {"items": convert(shown), "next_cursor": shown[-1].pk if len(found) > limit else None}
