"""Which file names a watched folder or bucket takes."""

import pytest

from segments.sources.watched_places.bucket_settings import normal_endpoint, normal_folder
from segments.sources.watched_places.place import PlaceRefused, check_pattern, fits


@pytest.mark.parametrize(
    ("name", "pattern", "does"),
    [
        ("shop-1.csv", "shop-*.csv", True),
        ("Shop-1.csv", "shop-*.csv", False),
        ("2026/shop.csv", "*/shop.csv", True),
        ("2026/11/shop.csv", "*/shop.csv", False),
        ("2026/shop.csv", "*", False),
        (".shop.csv", "*", False),
        ("shop.csv.part", "*", False),
        (".staging/shop.csv", "*/*.csv", False),
        ("shop\n.csv", "*", False),
    ],
)
def test_a_name_fits_folder_by_folder_if_it_is_whole(name: str, pattern: str, does: bool) -> None:
    assert fits(name, pattern) is does


@pytest.mark.parametrize(
    ("pattern", "has_folders"), [("", True), ("/a", True), ("a//b", True), (".a", False), ("a/b", False)]
)
def test_a_pattern_that_no_name_fits_is_refused(pattern: str, has_folders: bool) -> None:
    with pytest.raises(PlaceRefused) as refusal:
        check_pattern(pattern, has_folders=has_folders)
    assert refusal.value.field == "pattern"


@pytest.mark.parametrize(
    ("typed", "folder"), [("", ""), ("/", ""), ("in", "in/"), ("/in/a/", "in/a/"), (" in ", "in/")]
)
def test_a_folder_of_a_bucket_ends_with_a_slash(typed: str, folder: str) -> None:
    assert normal_folder(typed) == folder


@pytest.mark.parametrize(
    ("typed", "endpoint"),
    [("", ""), ("a.example.com:9000", "https://a.example.com:9000"), ("http://a/", "http://a")],
)
def test_an_endpoint_has_a_scheme(typed: str, endpoint: str) -> None:
    assert normal_endpoint(typed) == endpoint
