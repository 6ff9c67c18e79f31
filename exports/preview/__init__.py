"""What a run would do, without sending: the dry run, its summary, and the test send of one contact."""
