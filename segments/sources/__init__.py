"""Import files into profiles: reading, types, staging, and the job; actions of data sources."""
