from celery.signals import task_postrun
from django.apps import AppConfig
from django.core.signals import request_finished


class SegmentsConfig(AppConfig):
    name = "segments"

    def ready(self) -> None:
        """Let no memory gather in the DuckDB instances of workers and web processes."""
        from segments.store import engine

        task_postrun.connect(engine.end_work)
        request_finished.connect(engine.end_work)
