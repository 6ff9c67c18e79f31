from django.apps import AppConfig


class SystemConfig(AppConfig):
    name = "config.console"
    label = "system"

    def ready(self) -> None:
        """Tell the apps below whether the system refresh is on, and what kept a run from being tried."""
        from config.console.status import progress
        from config.console.system_refresh import schedule
        from config.platform.schedules import display
        from exports.hooks import skip_cause

        display.register_system_state(schedule.state)
        skip_cause.register(progress.cause_of_run)
