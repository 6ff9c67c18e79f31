"""Case 5: a field of the list is deleted and made again between runs."""

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import Run
from tests.integration.cases.conftest import run_export
from tests.support import exports
from tests.support.profiles import create_profiles
from tests.support.sandbox import RunningSandbox


@pytest.mark.parametrize("data_type", ["Text", "Number"])
def test_values_are_sent_again_once_when_a_field_was_made_again(
    account: RunningSandbox, alice_client: Client, data_type: str
) -> None:
    create_profiles([{"email": f"{name}@example.com", "code": "12"} for name in ("ann", "bo", "cid", "dan")])
    list_id = account.create_list("Shop", fields=[("Code", "Text")])
    exports.export_to(
        account,
        exports.sandbox_connection(account),
        exports.segment_of_everyone(),
        list_id=list_id,
        mapping=[{"attribute": "code", "field": "[Code]"}],
    )
    run_export()
    assert run_export()["reason"] == "nothing_changed"
    account.api("DELETE", f"/lists/{list_id}/customfields/%5BCode%5D.json").raise_for_status()
    field = {"FieldName": "Code", "DataType": data_type}
    account.api("POST", f"/lists/{list_id}/customfields.json", json=field).raise_for_status()
    again = run_export()
    assert (again["delivered"], again["unchanged"]) == (4, 0)
    page = alice_client.get(reverse("exports:run", args=[Run.objects.latest("pk").pk])).content.decode()
    assert "have changed since the last run" in page
    assert run_export()["reason"] == "nothing_changed"
