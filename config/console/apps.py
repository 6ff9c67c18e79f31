from django.apps import AppConfig


class SystemConfig(AppConfig):
    name = "config.console"
    label = "system"

    def ready(self) -> None:
        """Tell the rest of the system refresh: whether it is on, which exports it has passed by, and why."""
        from config.console import overdue
        from config.console.status import progress
        from config.console.system_refresh import schedule
        from config.platform.schedules import display
        from exports.hooks import skip_cause
        from exports.scheduler import overdue as of_exports

        display.register_system_state(schedule.state)
        of_exports.register(overdue.passed_by)
        skip_cause.register(progress.cause_of_run)
