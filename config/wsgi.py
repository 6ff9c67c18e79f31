"""The WSGI application that gunicorn serves; config/gunicorn.py says how."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config import telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

telemetry.instrument()  # before the middleware is read
application = get_wsgi_application()
get_resolver().url_patterns  # noqa: B018  # import every page now, once, rather than during the first request

from config.checks import refuse_unsafe_settings  # noqa: E402 - needs the settings
from config.platform import pooling  # noqa: E402 - needs the apps
from config.platform.encryption.rotation import refuse_to_start  # noqa: E402

refuse_unsafe_settings()
pooling.refuse_to_start()
refuse_to_start()
