"""What a run says of its contacts, in the language of the reader."""

from django.utils.translation import override

from exports.models import Export, Run
from exports.reporting.run_message import describe_message
from tests.integration.exports.conftest import run_to_its_end


def test_it_is_said_in_the_language_of_the_reader(newsletter: Export) -> None:
    run = run_to_its_end(newsletter)
    assert run.message == describe_message(run) == "Not delivered: 3 excluded."
    with override("pl"):
        assert describe_message(run) == "Niedostarczone: wykluczone: 3."


def test_of_a_run_that_failed_it_is_as_it_was_written(newsletter: Export) -> None:
    run = Run(export=newsletter, status="failed", message="HTTP 500")
    assert describe_message(run) == "HTTP 500"
