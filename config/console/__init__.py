"""Pages and commands that see all apps: Home, Admin > System, health, `apply` and the demo."""
