"""What people and programs do with exports and runs. Each action checks, writes and audits in one transaction."""
