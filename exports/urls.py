from django.urls import path

from exports.views import (
    again,
    asking_again,
    batches,
    deeds,
    editing,
    list_fields,
    listing,
    people,
    running_all,
    runs,
    scheduling,
    sending_one,
    together,
)

app_name = "exports"

urlpatterns = [
    path("data/exports/", listing.exports, name="list"),
    path("data/exports/statuses/", listing.statuses, name="statuses"),
    path("data/exports/detach/", together.detach, name="detach"),
    path("data/exports/remove/", together.remove, name="remove_many"),
    path("data/exports/schedule/", scheduling.schedule, name="schedule"),
    path("data/exports/run-all/", running_all.run_all, name="run_all"),
    path("data/exports/add/", editing.add, name="add"),
    path("data/exports/parts/", editing.parts, name="parts"),
    path("data/exports/fields/create/", list_fields.create_field, name="create_field"),
    path("data/exports/fields/options/", list_fields.add_options, name="add_options"),
    path("data/exports/<int:export_id>/", editing.edit, name="edit"),
    path("data/exports/<int:export_id>/duplicate/", deeds.duplicate, name="duplicate"),
    path("data/exports/<int:export_id>/remove/", deeds.remove, name="remove"),
    path("data/exports/<int:export_id>/run/", deeds.start, name="start"),
    path("data/exports/<int:export_id>/send-again/", again.send_again, name="send_again"),
    path("data/exports/<int:export_id>/send-one/", sending_one.send_one, name="send_one"),
    path("data/exports/<int:export_id>/runs/", runs.history, name="runs"),
    path("data/runs/<int:run_id>/", runs.run, name="run"),
    path("data/runs/<int:run_id>/live/", runs.live, name="run_live"),
    path("data/runs/<int:run_id>/cancel/", deeds.cancel, name="cancel"),
    path("data/runs/<int:run_id>/confirm-removals/", again.confirm_removals, name="confirm_removals"),
    path("data/runs/<int:run_id>/people/", people.people, name="people"),
    path("data/runs/<int:run_id>/people/download/", people.download, name="people_download"),
    path("data/runs/<int:run_id>/ask-again/", asking_again.ask_again, name="ask_again"),
    path("data/runs/<int:run_id>/batches/", batches.batches, name="batches"),
    path("data/runs/<int:run_id>/batches/<int:number>/", batches.batch, name="batch"),
    path("data/runs/<int:run_id>/settings/", runs.settings_used, name="run_settings"),
]
