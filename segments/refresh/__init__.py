"""Refresh segments: evaluate their rules, on schedule or on demand, and keep the trend."""
