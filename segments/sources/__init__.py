"""Import files into profiles: reading, types, encoding, staging, and the job; removal of data sources."""
