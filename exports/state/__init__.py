"""What every step of a run may know: status, claim, snapshot of settings, options, and retry policy."""
