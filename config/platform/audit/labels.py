"""Label audit entries for users: kinds of targets, actions, fields and values."""

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.platform.audit.record import SYSTEM

KINDS: dict[str, Promise] = {
    "apitoken": _("API token"),
    "appliedconfiguration": _("Configuration file"),
    "auditrecord": _("Audit log"),
    "connection": _("Connection"),
    "customer": _("Customer"),
    "datasource": _("Data source"),
    "profileattribute": _("Attribute"),
    "erasure": _("Customer"),
    "export": _("Export"),
    "exportschedule": _("Schedule of an export"),
    "identityrules": _("Identity rules"),
    "installation": _("Installation"),
    "keyring": _("Encryption keys"),
    "liststate": _("List"),
    "person": _("Customer"),
    "profile": _("Customer"),
    "run": _("Run"),
    "segment": _("Segment"),
    "segmentschedule": _("Schedule of a segment"),
    "signin": _("Sign-in"),
    "source": _("Data source"),
    "sourceschedule": _("Schedule of a data source"),
    "systemrefresh": _("System refresh"),
    "systemschedule": _("System schedule"),
    "user": _("User"),
    "webhook": _("Webhook"),
}

ACTIONS: dict[str, Promise] = {
    "accepted": _("Accepted again by the service"),
    "access refused": _("Access denied"),
    "activated": _("Activated"),
    "added": _("Added"),
    "applied": pgettext_lazy("action", "Applied"),
    "asked_again": _("Retry of rejected contacts"),
    "canceled": _("Canceled"),
    "cleared": _("List cleanup requested"),
    "consent_given": _("Consent given"),
    "connected": _("Connected"),
    "created": pgettext_lazy("action", "Created"),
    "customers searched": _("Customers searched"),
    "deactivated": _("Deactivated"),
    "detached": _("Connection detached"),
    "downloaded": _("Downloaded"),
    "suppressions_imported": _("Suppression list imported"),
    "suppressions_removed": _("Imported suppression list removed"),
    "list_repaired": _("Contacts that differ on the list sent again"),
    "list_compared": _("Comparison of the list started"),
    "duplicated": _("Duplicated"),
    "edited": _("Edited"),
    "erased": _("Erased"),
    "export_user_added": _("Export user added"),
    "field_created": _("Field created on the list"),
    "import canceled": _("Import canceled"),
    "import requested": _("Import requested"),
    "invitation not mailed": _("Invitation email could not be sent"),
    "invited": _("Invited"),
    "kept": _("Kept after a failed removal"),
    "limits_changed": _("Limits changed"),
    "list_cleared": _("List cleanup completed"),
    "locked": _("Sign-in locked"),
    "made_dynamic": _("Made dynamic"),
    "made_static": _("Made static"),
    "made_exclusion": _("Chosen as exclusion segment"),
    "exclusion_ended": _("No longer the exclusion segment"),
    "one_person_sent": _("Test contact sent"),
    "change canceled": _("Change canceled"),
    "merged": _("Merged"),
    "options_added": _("Options added to a field of the list"),
    "session ended": _("Session ended"),
    "other sessions ended": _("Signed out of other sessions"),
    "paused": _("Paused"),
    "password changed": _("Password changed"),
    "password reset": _("Password set by link"),
    "profiles removed": _("Customers removed by an import"),
    "recovery code used": _("Recovery code used"),
    "refresh canceled": _("Refresh canceled"),
    "refused": _("Refused by the service"),
    "reconnected": _("Reconnected"),
    "removal_asked": _("Removal requested"),
    "removals confirmed": _("Removals confirmed"),
    "removed": _("Removed"),
    "renamed": _("Renamed"),
    "resent": _("Event sent again"),
    "resumed": _("Resumed"),
    "secret_replaced": _("Secret replaced"),
    "reset link sent": _("Password reset link sent"),
    "retyped": _("Type changed"),
    "revoked": _("Revoked"),
    "rotated": _("Encryption keys rotated"),
    "run": _("Manual run"),
    "scheduled": _("Schedule changed"),
    "search limit reached": _("Customer search limit reached"),
    "second factor added": _("Second factor set up"),
    "second factor codes": _("Recovery codes created"),
    "second factor removed": _("Second factor removed"),
    "second factor reset": _("Second factor reset"),
    "set password": _("Password set"),
    "sign-in failed": _("Sign-in failed"),
    "signed in": _("Signed in"),
    "signed out": _("Signed out"),
    "started": _("Started"),
    "test_sent": _("Test notification sent"),
    "turned_off": _("Turned off by the system"),
    "wrong code": _("Incorrect code"),
    "wrong password": _("Incorrect password"),
}

FIELDS: dict[str, Promise] = {
    "access_key_id": _("Access key ID"),
    "account_name": _("Account name"),
    "address": _("Address"),
    "allowed": _("Allowed attributes"),
    "allowed_roles": _("Allowed roles"),
    "answers": _("Values for required fields"),
    "attribute": _("Attribute"),
    "bucket": _("Bucket"),
    "by": _("By"),
    "client_name": _("Campaign Monitor client"),
    "columns": _("Columns"),
    "connection": _("Connection"),
    "connection_id": _("Connection"),
    "consent": _("Consent"),
    "consent_to_track": _("Consent to track"),
    "control_field": _("Control group field"),
    "control_mode": _("Control group"),
    "control_percentage": _("Control group percentage"),
    "customer": _("Customer"),
    "customers": _("Customers"),
    "customers to remove": _("Customers to remove"),
    "data_type": _("Type"),
    "database": _("Database"),
    "date_format": _("Date format"),
    "description": _("Description"),
    "destination": _("Destination"),
    "email": _("Email"),
    "email_attribute": _("Email attribute"),
    "environment": _("Environment"),
    "event": _("Event"),
    "event_types": _("Events"),
    "exclusion segment": _("Exclusion segment"),
    "expires_at": _("Expires"),
    "export": _("Export"),
    "export_id": _("Export"),
    "export_user": _("Export user"),
    "failed": _("Failed"),
    "file": _("File"),
    "field": _("Field"),
    "filters": _("Filters"),
    "from": _("Copied from"),
    "full_name": _("Full name"),
    "hears_of_troubles": _("Notified by email"),
    "identifiers": _("Identifying attributes"),
    "is_active": _("Active"),
    "is_enabled": _("On"),
    "is_on": _("On"),
    "is_service": _("Service account"),
    "is_path_style": _("Path style"),
    "is_searchable": _("Searchable"),
    "kept": _("Kept"),
    "key_column": _("Key column"),
    "kind": _("Kind"),
    "language": _("Language"),
    "list": _("List"),
    "list_confirmed_opt_in": _("Confirmed opt-in"),
    "list_group": _("List group"),
    "list_id": _("List ID"),
    "list_title": _("List"),
    "lists": _("Allowed lists"),
    "mailed": _("Invitation emailed"),
    "mapping": _("Mapped fields"),
    "mark_field": _("Field to set"),
    "mark_value": _("Value to set"),
    "max_in_flight": _("Maximum parallel requests"),
    "may_remove": _("Allow exports to remove subscribers"),
    "may_resubscribe": _("Allow manual resubscribe"),
    "members": _("Members"),
    "misfits": _("Values that did not fit"),
    "mode": _("Mode"),
    "most_people": _("Contact limit in your contract"),
    "name": _("Name"),
    "options": _("Options"),
    "opt_in_mail_accepted": _("Confirmation emails accepted"),
    "people": _("Contacts"),
    "preference": _("When data sources differ"),
    "reconnect_reason": _("Reason"),
    "rejected_rows": _("Rejected rows"),
    "removal": _("Contacts that leave the segments"),
    "removed": _("Removed"),
    "request": _("Request"),
    "required_attribute": _("Required consent attribute"),
    "role": _("Role"),
    "schedule": _("Schedule"),
    "scopes": _("Scopes"),
    "second_factor": _("Second factor"),
    "rule": _("Rule"),
    "run": _("Run"),
    "sandbox_client": _("Sandbox client"),
    "run_after": _("Run after"),
    "segment": _("Segment"),
    "segments": _("Segments"),
    "settings": _("Settings"),
    "single_sign_on": _("Single sign-on"),
    "source_order": _("Order of data sources"),
    "suppressions": _("Suppression list"),
    "tags": _("Tags"),
    "tell_also": _("Alert recipients"),
    "time_zone": _("Time zone"),
    "type": _("Type"),
    "unheard_kinds": _("Notifications off"),
    "unsubscribes_everywhere": _("Unsubscribe from all lists of the client"),
    "withheld": _("Blocked attributes"),
    "user": _("User"),
    "username": _("Username"),
}

_ROLES: dict[str, Promise | str] = {
    "administrator": _("Administrator"),
    "contributor": _("Contributor"),
    "viewer": _("Viewer"),
}

# Codes that are stored as values of a field.
VALUES: dict[str, dict[str, Promise | str]] = {
    "allowed_roles": _ROLES,
    "by": {"password": _("Password"), "single sign-on": _("Single sign-on")},
    "consent_to_track": {"yes": _("Yes"), "no": _("No"), "unchanged": _("Unchanged")},
    "control_mode": {"off": _("No control group"), "hold_out": _("Hold out"), "field": _("Write to a field")},
    "destination": {"file": _("File"), "campaign_monitor": "Campaign Monitor"},
    "environment": {"live": _("Live"), "sandbox": _("Sandbox")},
    "language": dict(settings.LANGUAGES),
    "mode": {"upsert": _("Add and update"), "snapshot": _("Snapshot")},
    "preference": {
        "source_order": _("By the order of data sources"),
        "most_recent": _("The most recent value"),
    },
    "removal": {
        "leave": _("Keep on the list"),
        "mark": _("Set a field value"),
        "delete": _("Delete from the list"),
        "unsubscribe": _("Unsubscribe"),
    },
    "role": _ROLES,
}


def actor(name: str) -> str:
    """Return who made a change, “System” for the system itself."""
    return str(_("System")) if name == SYSTEM else name


def kind(name: str) -> str:
    """Return the kind of thing, such as “Connection”."""
    return str(KINDS.get(name, _plain(name)))


def code_of_action(name: str) -> str:
    """Return the action without its kind: that of “connection.edited” is “edited”."""
    return name.rpartition(".")[2]


def action(name: str) -> str:
    """Return the action: “connection.edited” and “edited” both are “Edited”."""
    code = code_of_action(name)
    return str(ACTIONS.get(code, _plain(code)))


def field(name: str) -> str:
    """Return the name of a field, spaces for underscores."""
    return str(FIELDS.get(name, _plain(name)))


def value(stored: object, of: str | None = None) -> str:
    """Format the value of a field as one line: lists with commas, groups as “name: value”, nothing as a dash.
    Codes of the field ``of`` become their labels; without it, codes stay as they are stored."""
    if stored is None or stored in ("", [], {}):
        return "–"
    if isinstance(stored, bool):
        return str(_("yes") if stored else _("no"))
    if isinstance(stored, list):
        return ", ".join(value(part, of) for part in stored)
    if isinstance(stored, dict):
        parts = ((str(name), part) for name, part in stored.items())
        return "; ".join(f"{field(name)}: {value(part, name if of else None)}" for name, part in parts)
    return str(VALUES.get(of or "", {}).get(str(stored), stored))


def _plain(name: str) -> str:
    text = name.replace("_", " ").replace(".", " ")
    return text[:1].upper() + text[1:]
