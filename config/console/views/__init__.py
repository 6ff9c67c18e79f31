"""Home, Admin > System, and the manual."""
