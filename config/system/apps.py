from django.apps import AppConfig


class SystemConfig(AppConfig):
    name = "config.system"
    label = "system"

    def ready(self) -> None:
        """Tell every page that relies on it whether the system refresh is on."""
        from config.jobs import system_schedule
        from config.system.refreshing import schedule

        system_schedule.register(schedule.state)
