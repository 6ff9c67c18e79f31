from django.urls import path
from django.views.generic import RedirectView

from exports.views import (
    campaigns,
    edit,
    effect,
    export_dialogs,
    find_contact,
    list_panes,
    list_state,
    list_webhook,
    listing,
    pane_updates,
    preview,
    preview_contacts,
    run_contacts,
    run_dialogs,
    runs,
    suppressions,
)

app_name = "exports"

# Addresses of earlier versions, which links and bookmarks may name, and where they lead.
FORMER_ADDRESSES = {
    "data/exports/<int:export_id>/preview/people/": "exports:preview_contacts",
    "data/exports/<int:export_id>/preview/people/download/": "exports:preview_contacts_download",
    "data/runs/<int:run_id>/people/": "exports:contacts",
    "data/runs/<int:run_id>/people/download/": "exports:contacts_download",
}

urlpatterns = [
    path("data/exports/", listing.exports, name="list"),
    path("data/exports/statuses/", listing.statuses, name="statuses"),
    path("data/exports/person/", find_contact.find_contact, name="person"),
    path("data/exports/<int:export_id>/person/", find_contact.current_status, name="person_standing"),
    path("data/exports/detach/", export_dialogs.detach, name="detach"),
    path("data/exports/remove/", export_dialogs.remove_selected, name="remove_many"),
    path("data/exports/tags/", export_dialogs.tag, name="tag"),
    path("data/exports/schedule/", list_panes.schedule, name="schedule"),
    path("data/exports/run-all/", export_dialogs.run_all, name="run_all"),
    path("data/exports/add/", edit.add, name="add"),
    path("data/exports/parts/", pane_updates.parts, name="parts"),
    path("data/exports/fields/create/", pane_updates.create_field, name="create_field"),
    path("data/exports/fields/control/", pane_updates.create_control_field, name="create_control_field"),
    path("data/exports/fields/options/", pane_updates.add_options, name="add_options"),
    path("data/exports/<int:export_id>/", edit.edit, name="edit"),
    path("data/exports/<int:export_id>/effect/<str:key>/", effect.effect, name="effect"),
    path("data/exports/<int:export_id>/duplicate/", export_dialogs.duplicate, name="duplicate"),
    path("data/exports/<int:export_id>/remove/", export_dialogs.remove, name="remove"),
    path(
        "data/exports/<int:export_id>/earlier/<int:set_id>/",
        export_dialogs.clean_up_former_list,
        name="clear_earlier",
    ),
    path("data/exports/<int:export_id>/run/", export_dialogs.start, name="start"),
    path("data/exports/<int:export_id>/send-again/", export_dialogs.resync, name="send_again"),
    path("data/exports/<int:export_id>/send-one/", list_panes.test_contact, name="send_one"),
    path("data/exports/<int:export_id>/tell-also/", list_panes.alert_recipients, name="tell_also"),
    path("data/exports/<int:export_id>/preview/", preview.preview, name="preview"),
    path("data/exports/<int:export_id>/preview/contacts/", preview_contacts.contacts, name="preview_contacts"),
    path(
        "data/exports/<int:export_id>/preview/contacts/download/",
        preview_contacts.download,
        name="preview_contacts_download",
    ),
    path("data/exports/<int:export_id>/preview/live/", preview.live, name="preview_live"),
    path("data/exports/<int:export_id>/refresh-and-run/", preview.refresh_and_run, name="refresh_and_run"),
    path("data/exports/<int:export_id>/list/", list_state.contacts, name="list_state"),
    path("data/exports/<int:export_id>/campaigns/", campaigns.campaigns, name="campaigns"),
    path("data/exports/<int:export_id>/list/download/", list_state.download, name="list_state_download"),
    path("data/exports/<int:export_id>/list/suppressions/", suppressions.import_list, name="suppressions"),
    path(
        "data/exports/<int:export_id>/list/suppressions/remove/",
        suppressions.remove_imported,
        name="remove_suppressions",
    ),
    path("data/exports/<int:export_id>/list/repair/", list_state.repair, name="repair_list"),
    path("data/exports/<int:export_id>/list/compare/", list_state.compare, name="compare_list"),
    path("data/exports/<int:export_id>/runs/", runs.history, name="runs"),
    path("hooks/lists/<int:webhook_id>/<str:secret>/", list_webhook.receive, name="list_webhook"),
    path("data/runs/<int:run_id>/", runs.run, name="run"),
    path("data/runs/<int:run_id>/live/", runs.live, name="run_live"),
    path("data/runs/<int:run_id>/cancel/", run_dialogs.cancel, name="cancel"),
    path("data/runs/<int:run_id>/confirm-removals/", run_dialogs.confirm_removals, name="confirm_removals"),
    path("data/runs/<int:run_id>/restore/", run_dialogs.restore, name="restore_removed"),
    path("data/runs/<int:run_id>/contacts/", run_contacts.contacts, name="contacts"),
    path("data/runs/<int:run_id>/contacts/download/", run_contacts.download, name="contacts_download"),
    path("data/runs/<int:run_id>/ask-again/", run_dialogs.retry_rejected_contacts, name="ask_again"),
    path("data/runs/<int:run_id>/batches/", run_contacts.batches, name="batches"),
    path("data/runs/<int:run_id>/batches/<int:number>/", run_contacts.batch, name="batch"),
    path("data/runs/<int:run_id>/settings/", runs.settings_used, name="run_settings"),
    *(
        path(former, RedirectView.as_view(pattern_name=name, query_string=True))
        for former, name in FORMER_ADDRESSES.items()
    ),
]
