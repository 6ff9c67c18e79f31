"""The system refresh: schedule.py says when, stages.py what and in which order, engine.py does it, and
actions.py is what users do to it."""
