"""Personal data: subject access reports, erasure, and blocked re-imports."""
