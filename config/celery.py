"""Celery: two queues, one clock. Messages are doorbells; the truth is in PostgreSQL.

``bells`` carries what is short (ticks and sweeps), ``work`` what is long (imports, refreshes, deliveries). Each
queue has a worker process of its own, since long work in a shared one starves the clock.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("segment_exports")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
