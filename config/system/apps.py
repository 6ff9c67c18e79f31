from django.apps import AppConfig


class SystemConfig(AppConfig):
    name = "config.system"
    label = "system"

    def ready(self) -> None:
        """Tell the rest of the system refresh: whether it is on, which exports it has passed by, and why."""
        from config.platform.schedules import system_schedule
        from config.system import overdue
        from config.system.refreshing import schedule
        from config.system.status import progress
        from exports.hooks import skip_cause
        from exports.scheduler import overdue as of_exports

        system_schedule.register(schedule.state)
        of_exports.register(overdue.passed_by)
        skip_cause.register(progress.cause_of_run)
