from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "config.platform.jobs"
    label = "jobs"

    def ready(self) -> None:
        """Let the clock run as settings say."""
        from django.conf import settings

        from config.platform.jobs import clock

        if settings.DRILL_CLOCK:
            clock.run_by_setting(settings.DRILL_CLOCK)
