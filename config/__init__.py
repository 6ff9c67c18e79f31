"""Settings, addresses and start-up of the project, and the packages that its apps build on."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
