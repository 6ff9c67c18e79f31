"""The diagram beside the code is the table that the code obeys."""

from django.core.management import call_command


def test_it_is_fresh() -> None:
    call_command("draw_run_states", "--check")
