"""Sort, search and page lists in the database, with all of their state in the address."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, OrderBy, Q, QuerySet
from django.db.models.expressions import Expression, F
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise, cached_property

RowT = TypeVar("RowT", bound=Model)
OrderTerm = str | OrderBy | Expression | F
OWN_PARAMETERS = ("q", "sort", "page")
LONGEST_SEARCH = 200
MAX_SELECTED = 500


def row_id(text: str) -> int | None:
    """Parse the ID of a row; None for a text that is not the ID of any."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def selected_ids(request: HttpRequest) -> set[int]:
    """Return the IDs of the rows that a request selects by its parameter ``selected``, at most MAX_SELECTED."""
    parameters = request.POST if request.method == "POST" else request.GET
    ids = map(row_id, parameters.getlist("selected")[:MAX_SELECTED])
    return {pk for pk in ids if pk is not None}


@dataclass(frozen=True)
class Column:
    """One column: ``key`` in the address, ``order_by`` the fields to sort by (None: it cannot be sorted by),
    ``kind`` “text”, “number” (set to the right) or “narrow”."""

    key: str
    label: str | Promise
    order_by: Sequence[OrderTerm] | None = None
    kind: str = "text"


@dataclass(frozen=True)
class Heading:
    """A column as the page shows it: ``direction`` is “ascending”, “descending” or “none”; ``sort_url`` is empty
    where it cannot be sorted by."""

    key: str
    label: str | Promise
    kind: str
    sort_url: str
    direction: str


@dataclass(frozen=True)
class PageLink:
    """One step of the pager; a gap has no number."""

    number: int | None
    url: str
    current: bool


class ListPage(Generic[RowT]):
    """One page of a list, ready for components/list_page.html."""

    def __init__(
        self,
        page: "Page[RowT]",
        *,
        columns: Sequence[Column],
        query: QueryDict,
        sort: str,
        search: str,
        selectable: bool,
        tabs: Sequence[str] = (),
    ) -> None:
        self._page, self._columns, self._query, self._tabs = page, columns, query, tabs
        self.sort, self.search, self.selectable = sort, search, selectable

    @cached_property
    def rows(self) -> list[RowT]:
        return list(self._page.object_list)

    @property
    def total(self) -> int:
        return self._page.paginator.count

    @property
    def first(self) -> int:
        return self._page.start_index()

    @property
    def last(self) -> int:
        return self._page.end_index()

    @property
    def is_narrowed(self) -> bool:
        """Return whether an empty list is empty because of what was searched for."""
        return bool(self.search or any(key not in self._tabs for key, _value in self.other_parameters))

    @property
    def columns(self) -> list[Heading]:
        return [self._heading(column) for column in self._columns]

    @property
    def width(self) -> int:
        """Count the cells of a row, the round check mark and ⋮ included."""
        return len(self._columns) + (2 if self.selectable else 0)

    @property
    def other_parameters(self) -> list[tuple[str, str]]:
        """Return the parameters of the page itself, such as a filter, which searching must keep."""
        return [(key, v) for key, values in self._query.lists() if key not in OWN_PARAMETERS for v in values]

    @property
    def pages(self) -> list[PageLink]:
        """List the steps of the pager, shortened in the middle; empty when one page holds all."""
        paginator = self._page.paginator
        if paginator.num_pages <= 1:
            return []
        return list(self._steps(paginator))

    @property
    def previous_url(self) -> str:
        return self._url(page=self._page.previous_page_number()) if self._page.has_previous() else ""

    @property
    def next_url(self) -> str:
        return self._url(page=self._page.next_page_number()) if self._page.has_next() else ""

    @property
    def clear_url(self) -> str:
        return self._url(q=None, page=None)

    def _steps(self, paginator: "Paginator[RowT]") -> Iterator[PageLink]:
        for number in paginator.get_elided_page_range(self._page.number, on_each_side=1, on_ends=1):
            if isinstance(number, int):
                yield PageLink(number, self._url(page=number), number == self._page.number)
            else:
                yield PageLink(None, "", False)

    def _heading(self, column: Column) -> Heading:
        direction = "none"
        if self.sort.lstrip("-") == column.key:
            direction = "descending" if self.sort.startswith("-") else "ascending"
        url = ""
        if column.order_by is not None:
            url = self._url(sort=f"-{column.key}" if direction == "ascending" else column.key, page=None)
        return Heading(column.key, column.label, column.kind, url, direction)

    def _url(self, **changes: object) -> str:
        query = self._query.copy()
        for key, value in changes.items():
            if value is None:
                query.pop(key, None)
            else:
                query[key] = str(value)
        return f"?{query.urlencode()}"


def list_page(
    request: HttpRequest,
    queryset: "QuerySet[RowT]",
    *,
    columns: Sequence[Column],
    search: Sequence[str] = (),
    default: str = "",
    page_size: int = 50,
    selectable: bool = True,
    tabs: Sequence[str] = (),
) -> ListPage[RowT]:
    """Return the page of ``queryset`` that the address asks for: ``?q=`` words that must all be found in one of
    the ``search`` fields (lookups over relations allowed), ``?sort=`` a column's key (``-`` before it turns the
    order round; unknown keys fall back to ``default``), ``?page=`` a number (out of range: the nearest). ``tabs``
    are parameters of the page that choose a list rather than narrow it. Costs two queries, whatever the size."""
    words = _search_words(request)
    if search:
        queryset = _matching(queryset, words, search)
    sort = _known_sort(request.GET.get("sort", ""), columns) or default
    queryset = _ordered(queryset, sort, columns)
    page = Paginator(queryset, page_size).get_page(request.GET.get("page", 1))
    return ListPage(
        page, columns=columns, query=request.GET, sort=sort, search=words, selectable=selectable, tabs=tabs
    )


def search_in(request: HttpRequest, queryset: "QuerySet[RowT]", fields: Sequence[str]) -> "QuerySet[RowT]":
    """Filter ``queryset`` by the words of ``?q=`` in ``fields``."""
    return _matching(queryset, _search_words(request), fields)


def _search_words(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]


def _matching(queryset: "QuerySet[RowT]", words: str, fields: Sequence[str]) -> "QuerySet[RowT]":
    for word in words.split():
        anywhere = Q()
        for field in fields:
            anywhere |= Q(**{f"{field}__icontains": word})
        queryset = queryset.filter(anywhere)
    return queryset


def _known_sort(wanted: str, columns: Sequence[Column]) -> str:
    sortable = {column.key for column in columns if column.order_by is not None}
    return wanted if wanted.removeprefix("-") in sortable else ""


def _ordered(queryset: "QuerySet[RowT]", sort: str, columns: Sequence[Column]) -> "QuerySet[RowT]":
    terms: Sequence[OrderTerm] = ()
    for column in columns:
        if column.key == sort.removeprefix("-") and column.order_by is not None:
            terms = column.order_by
    down = sort.startswith("-")
    return queryset.order_by(*(_directed(term, down) for term in terms), "-pk" if down else "pk")


def _directed(term: OrderTerm, down: bool) -> Any:
    """Return the term in the wanted direction; what is unknown comes last when rising and first when falling."""
    if isinstance(term, str):
        falls = term.startswith("-")
        term = F(term.removeprefix("-")).desc() if falls else F(term.removeprefix("-")).asc()
    elif not isinstance(term, OrderBy):
        term = OrderBy(term)
    return term.copy().reverse_ordering() if down else term
