"""Purge the profile store after an erasure: the erased person is in no file and not in the catalog."""

import pytest

from config.platform.accounts.models import User
from segments import maintenance
from segments.models import Erasure
from segments.privacy import erase
from segments.privacy.subjects import Scope
from tests.integration.privacy.conftest import EMAIL
from tests.support.database_search import store_places_with
from tests.support.profiles import Profile, change_profile, get_profile, product_profile, profile_keys

pytestmark = pytest.mark.django_db(transaction=True)


def test_before_the_purge_the_files_still_hold_an_erased_person(zofia: Profile, alice: User) -> None:
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    places = store_places_with("Zielinska")
    assert any(place.endswith(".parquet") for place in places)
    assert "lake.ducklake_file_column_stats" in places
    assert erase.purge_is_due()


def test_after_the_purge_no_file_and_no_table_of_the_catalog_holds_an_erased_person(
    zofia: Profile, alice: User
) -> None:
    change_profile(
        zofia, last_name="~~Zygmunt"
    )  # the highest in the limits of the column; an old version has the former name
    # The limits of the whole table have it too, unless an earlier test left them unknown.
    assert "lake.ducklake_file_column_stats" in store_places_with("~~Zygmunt")
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    maintenance.purge_erased()
    for words in (EMAIL, "Zielinska", "Zygmunt", "Zofia", "Z-1", "X-9"):
        assert store_places_with(words) == []
    assert profile_keys() == ["A-2", "B-3"]
    assert not erase.purge_is_due()
    assert Erasure.objects.get().purged_at is not None


def test_profiles_that_stay_can_be_changed_after_a_purge(zofia: Profile, alice: User) -> None:
    erase.erase(product_profile(zofia), scope=Scope.ADDRESS, by=alice)
    maintenance.purge_erased()
    change_profile("A-2", last_name="Adams")
    assert get_profile("A-2").attributes["last_name"] == "Adams"
    assert get_profile("B-3").attributes["last_name"] == "Bauer"
