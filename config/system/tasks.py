"""Doorbells of the system itself, and the workers' signs of life."""

from celery import shared_task, signals

from config.jobs import pulse


@shared_task
def note_beat() -> None:
    """That this arrives shows that beat, broker and worker are all alive."""
    pulse.give(pulse.BEAT)


@signals.worker_ready.connect
def _begin_pulse(sender: object, **_: object) -> None:
    name = str(getattr(sender, "hostname", "")).partition("@")[0]
    if name in pulse.WORKERS:
        pulse.Pulse(name).start()
