"""What exports know of a person, and how they forget."""
