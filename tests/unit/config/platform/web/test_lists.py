"""Lists: sorted, searched, paged, with all of it in the address."""

import pytest
from django.db.models.functions import Lower
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from config.platform.accounts.models import User
from config.platform.accounts.permissions import Role
from config.platform.web.lists import Column, ListPage, list_page

COLUMNS = (
    Column("name", "Name", order_by=(Lower("username"),)),
    Column("last_login", "Last sign-in", order_by=("last_login",)),
    Column("role", "Role"),
)


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    names = ["alice", "Bob", "charlie", "Dora", "eve"]
    User.objects.bulk_create(
        User(username=name, username_key=name.lower(), full_name=f"{name} Test", role=Role.VIEWER)
        for name in names
    )


def shown(address: str = "/", page_size: int = 2) -> ListPage[User]:
    request = RequestFactory().get(address)
    return list_page(
        request,
        User.objects.all(),
        columns=COLUMNS,
        search=("username", "full_name"),
        default="name",
        page_size=page_size,
    )


def names(page: ListPage[User]) -> list[str]:
    return [user.username for user in page.rows]


def test_it_sorts_by_the_default() -> None:
    assert names(shown()) == ["alice", "Bob"]


def test_it_sorts_downwards() -> None:
    page = shown("/?sort=-name")
    assert names(page) == ["eve", "Dora"]
    assert [heading.direction for heading in page.columns] == ["descending", "none", "none"]


@pytest.mark.parametrize("nonsense", ["role", "-role", "password", "--name", "name;drop", ""])
def test_it_sorts_only_by_what_can_be_sorted_by(nonsense: str) -> None:
    page = shown(f"/?sort={nonsense}")
    assert names(page) == ["alice", "Bob"]
    assert page.sort == "name"


def test_its_headings_keep_the_search_and_start_over() -> None:
    page = shown("/?q=test&page=2&tag=a&tag=b")
    assert page.columns[0].sort_url == "?q=test&tag=a&tag=b&sort=-name"
    assert page.columns[2].sort_url == ""
    assert page.other_parameters == [("tag", "a"), ("tag", "b")]


def test_it_finds_every_word_in_any_field() -> None:
    assert names(shown("/?q=TEST+dor")) == ["Dora"]
    assert shown("/?q=nobody").total == 0
    assert names(shown("/?q=%00dora")) == ["Dora"]


@pytest.mark.parametrize(("page", "expected"), [("2", "charlie"), ("3", "eve"), ("99", "eve"), ("x", "alice")])
def test_a_page_number_that_does_not_exist_shows_the_nearest_page(page: str, expected: str) -> None:
    assert names(shown(f"/?page={page}"))[0] == expected


def test_its_pager_tells_where_one_is() -> None:
    page = shown("/?page=2&q=test")
    assert (page.first, page.last, page.total) == (3, 4, 5)
    assert [(step.number, step.current) for step in page.pages] == [(1, False), (2, True), (3, False)]
    assert page.previous_url == "?page=1&q=test"
    assert shown(page_size=50).pages == []


def test_it_costs_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(2):
        page = shown()
        assert page.rows
        assert page.total == 5
        assert page.pages
