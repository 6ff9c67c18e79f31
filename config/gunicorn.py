"""Configure gunicorn, which serves the pages: ``gunicorn --config config/gunicorn.py config.wsgi``.

Everything comes from the settings, so that `up`, the container image and a server without containers are the
same.
"""

import logging
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings
from django.db.backends.signals import connection_created

from config import telemetry

_host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
bind = f"{_host}:{settings.PORT}"
worker_class = "config.web_worker.WaitressWorker"
workers = settings.WEB_PROCESSES
threads = settings.WEB_THREADS
preload_app = True  # Django is imported once, before the processes fork
graceful_timeout = 5
loglevel = "warning"
control_socket_disable = True
if os.path.isdir("/dev/shm"):  # noqa: S108 - where gunicorn keeps its heartbeat files; a disk may stall
    worker_tmp_dir = "/dev/shm"  # noqa: S108


def post_worker_init(worker: object) -> None:
    """End a page's query after WEB_STATEMENT_SECONDS, in this process alone: jobs of workers may take longer. Send
    the spans of this process."""
    connection_created.connect(_limit_statements, dispatch_uid="limit_statements")
    telemetry.start("web")


def _limit_statements(sender: object, connection: Any, **kwargs: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, false)", [f"{settings.WEB_STATEMENT_SECONDS}s"])


def worker_exit(server: object, worker: Any) -> None:
    """End this process at once when it has done its work: threads of DuckDB would abort it while Python ends."""
    if worker.booted:
        telemetry.stop()
        logging.shutdown()
        os._exit(0)
