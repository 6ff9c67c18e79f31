"""The composition root, and the ground the other three packages stand on."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
