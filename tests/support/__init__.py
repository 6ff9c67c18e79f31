"""What tests of every tier use: servers, workers, the sandbox, and short ways to make things."""
