"""The life of a run in four files: pipeline.py calls check.py, plan.py, the delivery loop and complete.py."""
