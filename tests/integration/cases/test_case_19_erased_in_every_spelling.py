"""Case 19: a person is erased whose address Python and SQL lower-case differently."""

from contextlib import suppress
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from config.platform.accounts.models import User
from segments.models import ImportJob
from segments.privacy import erase
from segments.privacy.subjects import Scope
from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.database_search import tables_with
from tests.support.profiles import get_profile, product_profile
from tests.support.sandbox import RunningSandbox

SPELLINGS = ["\u0130PEK.YILMAZ@example.com", "\u212aim.yilmaz@example.com", "yilmaz@\u0130zmir.com"]


def imported(path: Path) -> ImportJob:
    with suppress(CommandError):  # raised when every row is rejected
        call_command("import_profiles", str(path), "--key", "id", "--source", "Customers")
    return ImportJob.objects.latest("pk")


@pytest.mark.parametrize("address", SPELLINGS)
def test_an_erased_person_is_nowhere_and_stays_out(
    address: str, account: RunningSandbox, alice: User, alice_client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    path.write_text(f"id,email\n1,{address}\n2,ann@example.com\n", encoding="utf-8")
    imported(path)
    segment = exports.segment_of_everyone()
    exports.export_to(account, exports.sandbox_connection(account), segment, mapping=[], by=alice)
    run_export()
    found = alice_client.post("/data/exports/person/", {"email": f" {address}\u00a0"}).content.decode()
    assert 'class="link-list"' in found
    assert "No customer profile uses this email" not in found

    erase.erase(product_profile(get_profile("1")), scope=Scope.ADDRESS, by=alice)

    local, _at, _domain = address.lower().partition("@")
    assert not [table for word in (local[1:] + "@", "zmir", "xn--") for table in tables_with(word)]
    path.write_text(f"id,email\n3,{address}\n", encoding="utf-8")
    assert imported(path).rows_refused == 1
