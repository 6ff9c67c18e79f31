"""Disclosures, erasure, and the removal of an erased person from lists."""
