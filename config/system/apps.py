from django.apps import AppConfig


class SystemConfig(AppConfig):
    name = "config.system"
    label = "system"

    def ready(self) -> None:
        """Tell the rest whether the system refresh is on, and which exports it has passed by."""
        from config.jobs import system_schedule
        from config.system import lateness
        from config.system.refreshing import schedule
        from exports import lateness as of_exports

        system_schedule.register(schedule.state)
        of_exports.register(lateness.passed_by)
