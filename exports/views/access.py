"""Find the exports and runs that a request names, and check that the user may change them."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from config.platform.web.htmx import Request
from config.platform.web.lists import selected_ids
from exports.models import Export, Run
from exports.permissions import check_can_manage


def find_export(export_id: int) -> Export:
    """Return the export with its connection. Raises Http404."""
    return get_object_or_404(Export.objects.select_related("connection"), pk=export_id)


def find_managed_export(request: Request, export_id: int) -> Export:
    """Return an export that the user may change. Raises Http404 and PermissionDenied."""
    export = find_export(export_id)
    check_can_manage(request.user, export)
    return export


def find_selected_exports(request: Request) -> list[Export]:
    """Return the ``selected`` exports. Raises Http404 unless all of them exist, and PermissionDenied unless the
    user may change each."""
    ids = selected_ids(request)
    exports = list(Export.objects.select_related("connection", "schedule").filter(pk__in=ids).order_by("name"))
    if not exports or len(exports) != len(ids):
        raise Http404
    for export in exports:
        check_can_manage(request.user, export)
    return exports


def find_run(run_id: int) -> Run:
    """Return the run with all that its title shows. Raises Http404."""
    runs = Run.objects.select_related(
        "export__connection", "requested_by", "retry_of", "cleanup__delivered_set", "cleanup__connection"
    )
    return get_object_or_404(runs, pk=run_id)


def find_managed_run(request: Request, run_id: int) -> Run:
    """Return a run whose export the user may change. Raises Http404 and PermissionDenied."""
    run = find_run(run_id)
    check_can_manage(request.user, run.export)
    return run
