"""Configure the apps of this package, and connect them when Django starts."""

from functools import partial

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name, label = "config.platform.accounts", "accounts"

    def ready(self) -> None:
        from config.platform.accounts import second_factor, sessions, sign_ins

        second_factor.listen()
        sign_ins.listen()
        sessions.listen()


class AuditConfig(AppConfig):
    name, label = "config.platform.audit", "audit"


class JobsConfig(AppConfig):
    name, label = "config.platform.jobs", "jobs"

    def ready(self) -> None:
        """Let the clock run as settings say."""
        from django.conf import settings

        from config.platform.jobs import clock

        if settings.DRILL_CLOCK:
            clock.run_by_setting(settings.DRILL_CLOCK)


class KeyringConfig(AppConfig):
    name = "config.platform.encryption"

    def ready(self) -> None:
        """Register the check of the keyring."""
        from config.platform.encryption import rotation  # noqa: F401


class NotificationsConfig(AppConfig):
    name, label = "config.platform.notifications", "notifications"


class EventsConfig(AppConfig):
    name, label = "config.platform.events", "events"


class ApiConfig(AppConfig):
    name, label = "config.platform.api", "api"


class WebConfig(AppConfig):
    name, label = "config.platform.web", "web"


class ConsoleConfig(AppConfig):
    name, label = "config.console", "system"

    def ready(self) -> None:
        """Tell the apps below whether the system refresh is on, and what kept a run from being tried."""
        from config.console.models import StepKind
        from config.console.system_refresh import actions, stages
        from config.platform.schedules import display
        from exports.hooks import skip_cause
        from segments.store import checks  # noqa: F401 - registers the check of the profile store

        display.register_system_state(actions.schedule_state)
        skip_cause.register(partial(stages.cause_of_job, StepKind.EXPORT))


class StandaloneConfig(AppConfig):
    name, label = "config.standalone", "embedded"

    def ready(self) -> None:
        """Register the checks of the settings."""
        from config import checks  # noqa: F401
        from config.platform import pooling  # noqa: F401
