"""Remove NUL characters from query parameters: PostgreSQL fails where a text with one is looked up."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_NUL = "%00"


class DropNulCharacters:
    """Remove ``%00`` from the query string. Stands before everything that reads a parameter."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = str(request.META.get("QUERY_STRING", ""))
        while _NUL in query:  # again, as “%0%000” holds one after the first removal
            query = query.replace(_NUL, "")
        request.META["QUERY_STRING"] = query
        return self.get_response(request)
