"""What Admin > System > Status tells: kinds.py knows the kinds of things, tasks.py how each stands,
progress.py what one job has come to, and the workflow around it."""
