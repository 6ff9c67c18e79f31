"""Case 13: a list that is renamed at the vendor has its new title on all pages after the next run."""

import pytest
from django.test import Client
from django.urls import reverse

from exports.models import DeliveredSet, Export
from tests.integration.exports.test_run_pipeline import make_export, run_to_its_end
from tests.support.sandbox import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_title_follows_at_the_next_look(account: RunningSandbox, alice_client: Client) -> None:
    export = make_export(account)
    run_to_its_end(export)
    renamed = {"Title": "Autumn letter", "ConfirmedOptIn": False, "UnsubscribeSetting": "OnlyThisList"}
    answer = account.api("PUT", f"/lists/{export.list_id}.json", json=renamed)
    assert answer.ok, answer.text
    run_to_its_end(export)
    assert Export.objects.get().list_title == DeliveredSet.objects.get().list_title == "Autumn letter"
    pages = (reverse("exports:list"), reverse("exports:edit", args=[export.pk]))
    assert ["Autumn letter" in alice_client.get(page).content.decode() for page in pages] == [True, True]
