"""NUL characters in any query parameter, and dates at the ends of the calendar, end in no error page."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from config.platform.web.middleware import DropNulCharacters

LISTS = (
    "/",
    "/customers/",
    "/customers/erased/",
    "/data/sources/",
    "/segments/",
    "/data/exports/",
    "/data/exports/person/",
    "/admin/audit/",
    "/admin/connections/",
    "/admin/permissions/",
)
NAMES = (
    "q",
    "page",
    "sort",
    "kind",
    "code",
    "status",
    "who",
    "action",
    "since",
    "type",
    "email",
    "source",
    "role",
)


@pytest.mark.django_db
@pytest.mark.parametrize("page", LISTS)
def test_nul_characters_in_parameters_end_in_no_error(alice_client: Client, page: str) -> None:
    assert alice_client.get(f"{page}?{'&'.join(f'{name}=a%00b' for name in NAMES)}").status_code == 200


@pytest.mark.parametrize("value", ["%00", "a%00b%00", "%0%000"])
def test_no_view_reads_a_nul_character_from_any_parameter(value: str) -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str([*request.GET.items()]).encode())

    request = RequestFactory().get("/", QUERY_STRING=f"code={value}&{value}=1")
    assert b"\\x00" not in DropNulCharacters(answer)(request).content


@pytest.mark.django_db
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "0000-00-00"])
def test_dates_at_the_ends_of_the_calendar_end_in_no_error(alice_client: Client, day: str) -> None:
    assert alice_client.get(f"{reverse('audit:list')}?since={day}&until={day}").status_code == 200
