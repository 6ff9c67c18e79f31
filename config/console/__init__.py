"""The pages above all apps: Home, Admin > System, health, apply and the demo."""
