"""The system refresh: actions.py starts, cancels and schedules it, stages.py knows what it refreshes and in which
order, engine.py runs it."""
