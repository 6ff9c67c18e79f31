"""Pages of connections; administrators only."""
