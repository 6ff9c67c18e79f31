"""The system refresh: schedule.py says when, workflow.py what and in which order, engine.py does it."""
