"""Find the section of the help that fits a page, for the Help link in the top bar."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

_HOME, _USERS = "getting-started", "people-and-permissions"
_SEGMENTS, _EXPORTS, _LISTS = "segments", "exports-and-runs", "care-for-your-list"
_SYSTEM = "system-refresh"
INDEX = ""

# The page of the help and perhaps its section, by the name of an address that shows a whole page.
HELP_OF = {
    "system:home": _HOME,
    "system:find": f"{_HOME}#keyboard",
    "system:help_index": INDEX,
    "system:help": INDEX,
    "system:status": f"{_SYSTEM}#status",
    "system:tasks": f"{_SYSTEM}#status",
    "system:last_runs": f"{_SYSTEM}#status",
    "system:progress": f"{_SYSTEM}#status",
    "system:cancel": f"{_SYSTEM}#status",
    "system:refresh_all": _SYSTEM,
    "system:schedule": f"{_SYSTEM}#schedule",
    "system:api_usage": "monitoring",
    "system:about": "monitoring",
    "system:retention": "data-flow#times",
    "system:notifications": "notifications",
    "system:my_notifications": "notifications#recipients",
    "system:general": f"{_USERS}#language",
    "system:names": f"{_USERS}#language",
    "system:webhooks": "webhooks",
    "system:add_webhook": "webhooks",
    "system:webhook": "webhooks",
    "system:edit_webhook": "webhooks",
    "system:test_webhook": "webhooks",
    "system:replace_secret": "webhooks",
    "system:remove_webhook": "webhooks",
    "system:delivery": "webhooks",
    "accounts:permissions": _USERS,
    "accounts:add_user": f"{_USERS}#add-a-user",
    "accounts:edit_user": f"{_USERS}#change",
    "accounts:set_password": f"{_USERS}#change",
    "accounts:deactivate": f"{_USERS}#change",
    "accounts:remove": f"{_USERS}#change",
    "accounts:invite_again": f"{_USERS}#add-a-user",
    "accounts:activate": f"{_USERS}#change",
    "accounts:reset_second_factor": f"{_USERS}#sign-in",
    "accounts:change_password": f"{_USERS}#sign-in",
    "accounts:sign_out": f"{_USERS}#sign-in",
    "accounts:api_tokens": "rest-api#tokens",
    "accounts:service_accounts": "rest-api#tokens",
    "accounts:service_account": "rest-api#tokens",
    "audit:list": f"{_USERS}#audit-log",
    "connections:list": "connections",
    "connections:discover": "connections",
    "connections:add": "connections#set-up",
    "connections:edit": "connections#set-up",
    "connections:pause": "connections#pause",
    "connections:resume": "connections#pause",
    "connections:remove": "connections#remove",
    "segments:customers": f"{_SEGMENTS}#find-a-customer",
    "segments:customer": f"{_SEGMENTS}#find-a-customer",
    "segments:erase": "rights#erase",
    "segments:erasures": "rights#lists",
    "segments:erasure": "rights#lists",
    "segments:data_sources": f"{_SEGMENTS}#import-customers",
    "segments:upload": f"{_SEGMENTS}#import-customers",
    "segments:source_schedule": f"{_SEGMENTS}#import-customers",
    "segments:refresh_sources": f"{_SEGMENTS}#import-customers",
    "segments:remove_source": f"{_SEGMENTS}#import-customers",
    "segments:import": f"{_SEGMENTS}#import-customers",
    "segments:cancel_import": f"{_SEGMENTS}#import-customers",
    "segments:confirm_removals": f"{_SEGMENTS}#import-customers",
    "segments:database": f"{_SEGMENTS}#from-a-database",
    "segments:watched_folder": f"{_SEGMENTS}#from-a-folder",
    "segments:watched_bucket": f"{_SEGMENTS}#from-a-bucket",
    "segments:attributes": f"{_SEGMENTS}#attributes",
    "segments:rename_attribute": f"{_SEGMENTS}#attributes",
    "segments:retype_attribute": f"{_SEGMENTS}#attributes",
    "segments:merge_attribute": f"{_SEGMENTS}#attributes",
    "segments:delete_attribute": f"{_SEGMENTS}#attributes",
    "segments:make_searchable": f"{_SEGMENTS}#attributes",
    "segments:exclude_from_search": f"{_SEGMENTS}#attributes",
    "segments:cancel_attribute_change": f"{_SEGMENTS}#attributes",
    "segments:identity": f"{_SEGMENTS}#identity",
    "segments:edit_identity": f"{_SEGMENTS}#identity",
    "segments:list": _SEGMENTS,
    "segments:detail": f"{_SEGMENTS}#create-a-segment",
    "segments:add": f"{_SEGMENTS}#create-a-segment",
    "segments:edit": f"{_SEGMENTS}#create-a-segment",
    "segments:schedule": f"{_SEGMENTS}#segment-schedule",
    "segments:exclude": f"{_SEGMENTS}#exclude",
    "segments:stop_excluding": f"{_SEGMENTS}#exclude",
    "exports:list": _EXPORTS,
    "exports:add": f"{_EXPORTS}#set-up",
    "exports:edit": f"{_EXPORTS}#set-up",
    "exports:duplicate": f"{_EXPORTS}#set-up",
    "exports:schedule": f"{_EXPORTS}#schedule",
    "exports:preview": f"{_EXPORTS}#preview",
    "exports:preview_contacts": f"{_EXPORTS}#preview",
    "exports:start": f"{_EXPORTS}#run",
    "exports:run_all": f"{_EXPORTS}#run",
    "exports:runs": "results#read",
    "exports:run": "results#read",
    "exports:contacts": "results#rejected",
    "exports:batches": "results#read",
    "exports:batch": "results#read",
    "exports:run_settings": "results#read",
    "exports:ask_again": "results#rejected",
    "exports:cancel": f"{_EXPORTS}#cancel",
    "exports:remove": f"{_EXPORTS}#remove",
    "exports:remove_many": f"{_EXPORTS}#remove",
    "exports:send_one": f"{_EXPORTS}#test-contact",
    "exports:person": f"{_EXPORTS}#find-a-contact",
    "exports:tell_also": "notifications#recipients",
    "exports:campaigns": f"{_LISTS}#campaigns",
    "exports:list_state": f"{_LISTS}#changes-on-the-list",
    "exports:suppressions": f"{_LISTS}#changes-on-the-list",
    "exports:confirm_removals": _LISTS,
    "exports:clear_earlier": _LISTS,
    "exports:restore_removed": f"{_LISTS}#restoring",
    "account_reauthenticate": f"{_USERS}#sign-in",
    "mfa_authenticate": f"{_USERS}#sign-in",
    "mfa_reauthenticate": f"{_USERS}#sign-in",
    "mfa_index": f"{_USERS}#sign-in",
    "mfa_activate_totp": f"{_USERS}#sign-in",
    "mfa_deactivate_totp": f"{_USERS}#sign-in",
    "mfa_view_recovery_codes": f"{_USERS}#sign-in",
    "mfa_generate_recovery_codes": f"{_USERS}#sign-in",
    "api_docs": "rest-api",
}
# Other dialogs and commands by app, so that they open the page that their list opens.
HELP_OF_APP = {"segments": _SEGMENTS, "exports": _EXPORTS, "connections": "connections", "accounts": _USERS}


def help_path(view_name: str) -> str:
    """Return the address of the help for the page of that name; of the index when none fits better."""
    found = HELP_OF.get(view_name) or HELP_OF_APP.get(view_name.partition(":")[0], INDEX)
    page, _mark, section = found.partition("#")
    if not page:
        return reverse("system:help_index")
    return reverse("system:help", args=[page]) + (f"#{section}" if section else "")


def help_link(request: HttpRequest) -> dict[str, object]:
    """Give every page the address of the help that fits it."""
    match = request.resolver_match
    return {"help_url": SimpleLazyObject(lambda: help_path(match.view_name if match else ""))}
