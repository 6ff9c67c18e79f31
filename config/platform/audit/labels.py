"""Label audit entries for users: kinds of targets, actions, fields and values."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

KINDS: dict[str, Promise] = {
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
}

ACTIONS: dict[str, Promise] = {
    "accepted": _("Accepted again by the service"),
    "access refused": _("Access denied"),
    "activated": _("Activated"),
    "added": _("Added"),
    "asked_again": _("Retry of rejected contacts"),
    "canceled": _("Canceled"),
    "cleared": _("List cleanup requested"),
    "consent_given": _("Consent given"),
    "created": _("Created"),
    "customers searched": _("Customers searched"),
    "deactivated": _("Deactivated"),
    "detached": _("Connection detached"),
    "downloaded": _("Downloaded"),
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
    "removal_asked": _("Removal requested"),
    "removals confirmed": _("Removals confirmed"),
    "removed": _("Removed"),
    "renamed": _("Renamed"),
    "resumed": _("Resumed"),
    "reset link sent": _("Password reset link sent"),
    "retyped": _("Type changed"),
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
    "wrong code": _("Incorrect code"),
    "wrong password": _("Incorrect password"),
}

# What the stored names of fields do not say by themselves.
FIELDS: dict[str, Promise] = {
    "access_key_id": _("Access key ID"),
    "data_type": _("Type"),
    "hears_of_troubles": _("Notified by email"),
    "identifiers": _("Identifying attributes"),
    "is_active": _("Active"),
    "is_on": _("On"),
    "is_path_style": _("Path style"),
    "is_searchable": _("Searchable"),
    "misfits": _("Values that did not fit"),
    "mode": _("Mode"),
    "preference": _("When data sources differ"),
    "rule": _("Rule"),
    "settings": _("Settings"),
    "source_order": _("Order of data sources"),
    "unheard_kinds": _("Notifications off"),
}


def kind(name: str) -> str:
    """Return the kind of thing, such as “Connection”."""
    return str(KINDS.get(name, _plain(name)))


def action(name: str) -> str:
    """Return the action: “connection.edited” and “edited” both are “Edited”."""
    action = name.rpartition(".")[2]
    return str(ACTIONS.get(action, _plain(action)))


def field(name: str) -> str:
    """Return the name of a field, spaces for underscores."""
    return str(FIELDS.get(name, _plain(name)))


def value(stored: object) -> str:
    """Format the value of a field as one line: lists with commas, groups as “name: value”, nothing as a dash."""
    if stored is None or stored in ("", [], {}):
        return "–"
    if isinstance(stored, bool):
        return str(_("yes") if stored else _("no"))
    if isinstance(stored, list):
        return ", ".join(value(part) for part in stored)
    if isinstance(stored, dict):
        return "; ".join(f"{field(str(name))}: {value(part)}" for name, part in stored.items())
    return str(stored)


def _plain(name: str) -> str:
    text = name.replace("_", " ").replace(".", " ")
    return text[:1].upper() + text[1:]
