"""Refresh segments in this process."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from config.platform.jobs.models import JobStatus
from segments import actions
from segments.models import Segment, SegmentRefresh
from segments.refresh_job import run_refresh


class Command(BaseCommand):
    help = _(
        "Refresh the segments with these names, or all segments. The exit code is 1 if one cannot be refreshed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        jobs = [actions.request_refresh(each, by=None, wake_worker=False) for each in _segments(options["names"])]
        failed = [job.segment.name for job in jobs if not self._run(job)]
        if failed:
            raise CommandError(_("Not refreshed: %(names)s.") % {"names": ", ".join(failed)})

    def _run(self, job: SegmentRefresh) -> bool:
        job, name = _run_until_done(job), job.segment.name
        if job.status != JobStatus.SUCCESSFUL:
            self.stderr.write(f"{name}: {job.message or job.get_status_display()}")
            return False
        self.stdout.write(
            _("%(name)s: %(members)d members (%(added)d added, %(removed)d removed)")
            % {"name": name, "members": job.progress_done, "added": job.added, "removed": job.removed}
        )
        return True


def _run_until_done(job: SegmentRefresh) -> SegmentRefresh:
    """Run a refresh here, or wait for the worker that holds it. Returns the ended job."""
    job.refresh_from_db()  # a refresh before may have had it in its group
    while job.is_open:
        ended = run_refresh(job.pk)
        if ended is None:
            time.sleep(0.2)
        job.refresh_from_db()
    return job


def _segments(names: list[str]) -> list[Segment]:
    if not names:
        return list(Segment.objects.order_by(Lower("name")))
    chosen = []
    for name in names:
        segment = Segment.objects.filter(name__iexact=name).first()
        if segment is None:
            raise CommandError(_("There is no segment “%(name)s”.") % {"name": name})
        chosen.append(segment)
    return chosen
