"""Case 11: a wait that an answer asks for is understood in every documented form, and has a limit."""

import pytest

from connections.destinations.campaign_monitor.refusals import asked_to_wait

DATE = {"date": "Fri, 01 Mar 2024 10:00:00 GMT"}
EPOCH = 1_709_287_200  # the same moment, in seconds since 1970


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-5"}, 0.0),
        ({"retry-after": "Fri, 01 Mar 2024 10:00:30 GMT", **DATE}, 30.0),
        ({"retry-after": "Fri, 01 Mar 2024 09:00:00 GMT", **DATE}, 0.0),
        ({"x-ratelimit-reset": "12"}, 12.0),
        ({"x-ratelimit-reset": str(EPOCH + 45), **DATE}, 45.0),
        ({"x-ratelimit-reset": str(EPOCH + 45), "retry-after": "60", **DATE}, 60.0),
        ({"x-ratelimit-reset": str(EPOCH + 86_400), **DATE}, 900.0),
        ({"retry-after": "999999"}, 900.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_of_an_answer(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_to_wait(headers) == seconds


def test_a_wait_that_is_not_understood_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    asked_to_wait({"retry-after": "soon"})
    assert "“soon”, which cannot be understood" in caplog.text
