"""Helpers for PostgreSQL."""
