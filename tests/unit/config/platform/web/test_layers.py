"""The pane or dialog that the address of a page names: opened by the browser, hidden from views."""

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from config.platform.web.layers import HideLayers, page_address, with_pane, without_layers


def seen_by_the_view(address: str) -> HttpRequest:
    request = RequestFactory().get(address)
    assert request.GET is not None  # read before, by other middleware
    HideLayers(lambda _request: HttpResponse()).process_view(request, None, (), {})
    return request


def test_a_view_sees_no_layers() -> None:
    request = seen_by_the_view("/data/exports/?sort=name&pane=/data/exports/2/&dialog=/data/exports/2/remove/")
    assert request.GET.dict() == {"sort": "name"}
    assert request.get_full_path() == "/data/exports/?sort=name"


def test_other_parameters_are_left_as_they_are() -> None:
    assert seen_by_the_view("/data/exports/?q=a%20b+c&q=").get_full_path() == "/data/exports/?q=a%20b+c&q="


def test_empty_and_repeated_parameters_stay_beside_a_layer() -> None:
    assert without_layers("q=&kind=a&kind=b&pane=/x/") == "q=&kind=a&kind=b"


def test_the_address_of_a_page_is_without_its_layers() -> None:
    assert (
        page_address("http://localhost/data/exports/?page=2&pane=/data/exports/2/#main") == "/data/exports/?page=2"
    )
    assert page_address("http://localhost/data/exports/?pane=/data/exports/2/") == "/data/exports/"


def test_a_pane_goes_into_the_address_of_its_page() -> None:
    assert (
        with_pane("/admin/connections/", "/admin/connections/1/")
        == "/admin/connections/?pane=/admin/connections/1/"
    )
    address = with_pane("/admin/connections/?q=x", "/admin/connections/add/campaign_monitor/?draft=a&b=é")
    query = RequestFactory().get(address).GET
    assert query.dict() == {"q": "x", "pane": "/admin/connections/add/campaign_monitor/?draft=a&b=é"}
