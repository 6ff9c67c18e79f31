"""What the apps build on: accounts, audit, encryption, jobs, notifications, schedules and web tools. Imports
none of them."""
