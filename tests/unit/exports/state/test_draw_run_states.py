"""The diagram beside the code is the table that the code obeys."""

from django.core.management import call_command


def test_the_diagram_of_run_statuses_is_up_to_date() -> None:
    call_command("draw_run_states", "--check")
