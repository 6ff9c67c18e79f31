"""Schedules: rules, next due moments, ticks, and their forms."""
