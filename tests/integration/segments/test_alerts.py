"""Alerts about a segment that lost its members, before an export sends it."""

import pytest

from config.platform.notifications.models import Condition, Kind
from segments import alerts
from segments.models import DataSource, Segment
from tests.support import exports
from tests.support.profiles import create_profiles, delete_all_profiles

pytestmark = pytest.mark.django_db


def lasting() -> list[str]:
    return list(Condition.objects.filter(closed_at=None).values_list("kind", flat=True))


@pytest.fixture
def readers() -> Segment:
    return Segment.objects.create(name="Readers")


def update(segment: Segment, *, before: int, after: int) -> None:
    has_alerts = segment.pk in alerts.segments_with_alerts([segment.pk])
    alerts.update_after_refresh(segment, before=before, after=after, has_alerts=has_alerts)


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (0, 0, []),
        (0, 5, []),
        (10, 5, []),
        (10, 4, [Kind.SEGMENT_HALVED]),
        (10, 0, [Kind.SEGMENT_EMPTY]),
    ],
)
def test_empty_and_halved_segments_open_alerts(
    readers: Segment, before: int, after: int, kinds: list[Kind]
) -> None:
    update(readers, before=before, after=after)
    assert lasting() == kinds


def test_it_is_well_again_when_half_of_them_are_back(readers: Segment) -> None:
    update(readers, before=100, after=40)
    update(readers, before=40, after=45)
    assert lasting() == [Kind.SEGMENT_HALVED]
    update(readers, before=45, after=50)
    assert lasting() == []


def test_it_notifies_again_when_the_segment_is_halved_again(readers: Segment) -> None:
    update(readers, before=100, after=40)
    update(readers, before=40, after=10)
    assert Condition.objects.count() == 2
    assert lasting() == [Kind.SEGMENT_HALVED]


def test_a_refresh_opens_the_alert() -> None:
    create_profiles([{"city": "Turku"}, {"city": "Turku"}, {"city": "Turku"}])
    rules = {"attribute": "city", "operator": "is", "value": "Turku"}
    segment = exports.segment_of_everyone("Turku", {"all": [rules]})
    delete_all_profiles()
    exports.segment_of_everyone("Turku", segment.rules)
    assert lasting() == [Kind.SEGMENT_EMPTY]


def test_the_alert_of_a_data_source_opens_and_closes() -> None:
    source = DataSource.objects.create(name="Shop", key_column="id")
    alerts.update_after_import(source, "/data/imports/1/", failure="The file is empty.")
    assert Condition.objects.get().sentence == "The file is empty."
    alerts.update_after_import(source)
    assert lasting() == []
    alerts.update_after_import(source, failure="The file is empty.")
    alerts.forget_source(source)
    assert lasting() == []
