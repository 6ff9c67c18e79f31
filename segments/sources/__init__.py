"""Import files into profiles: reading, types, encoding, staging, and the job; actions of data sources."""
