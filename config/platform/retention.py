"""List what is stored, how long and why, and tell the jobs that delete it what is old enough.

The page Admin > System > Retention shows this table, so each job takes its limit from here: ``EVENTS.cutoff()``.
The table names data of every package, and imports none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from config.platform.jobs import clock


class Group(TextChoices):
    """The groups of the table, in its order."""

    CUSTOMERS = "customers", _("Customers and data sources")
    EXPORTS = "exports", _("Exports and lists")
    SYSTEM = "system", _("Users and the system")


class Persons(TextChoices):
    """Whose personal data a kind of data has."""

    NO_PERSON = "none", _("None")
    CUSTOMERS = "customers", _("Customers")
    HASHED = "hashed", _("Customers, as a keyed hash")
    USERS = "users", _("Users")


@dataclass(frozen=True)
class Retention:
    """One kind of data: what it is, when it is deleted, and why it is kept until then.

    It is deleted ``time`` after ``since``, or when ``until`` is true: one of both has to be given. ``setting``
    names the setting that has the days, instead of ``time``. ``most`` is how many of the latest are kept.
    """

    key: str
    group: Group
    data: Promise
    why: Promise
    persons: Persons = Persons.NO_PERSON
    time: timedelta | None = None
    setting: str = ""
    until: Promise | str = ""
    most: int = 0

    @property
    def kept_for(self) -> timedelta:
        """How long it is kept. Raises ValueError for data that no time ends."""
        if self.setting:
            return timedelta(days=getattr(settings, self.setting))
        if self.time is None:
            raise ValueError(f"{self.key} is kept until something happens.")
        return self.time

    @property
    def is_timed(self) -> bool:
        """Whether a time ends it."""
        return bool(self.setting) or self.time is not None

    def cutoff(self) -> datetime:
        """Return the moment before which it is old enough to be deleted."""
        return clock.now() - self.kept_for


PROFILES: Final = Retention(
    "profiles",
    Group.CUSTOMERS,
    _("Customer profiles"),
    _("Segments are calculated from them."),
    Persons.CUSTOMERS,
    until=_("A data source removes them or is removed, or the customer is erased."),
)
STORE_VERSIONS: Final = Retention(
    "store_versions",
    Group.CUSTOMERS,
    _("Earlier versions of customer profiles"),
    _("Jobs that read a version finish on it. After an erasure, they are deleted as soon as no job reads them."),
    Persons.CUSTOMERS,
    time=timedelta(hours=1),
)
MEMBER_SETS: Final = Retention(
    "member_sets",
    Group.CUSTOMERS,
    _("Former members of segments"),
    _("A run or a refresh may still read them. They contain numbers of profiles, no values."),
    time=timedelta(hours=1),
)
DELETED_ATTRIBUTES: Final = Retention(
    "deleted_attributes",
    Group.CUSTOMERS,
    _("Values of deleted attributes"),
    _("Jobs that began before the deletion still name them."),
    Persons.CUSTOMERS,
    time=timedelta(days=1),
)
UPLOADS: Final = Retention(
    "uploads",
    Group.CUSTOMERS,
    _("Uploaded files"),
    _("A user sets up the import. They are deleted earlier when the import has ended."),
    Persons.CUSTOMERS,
    time=timedelta(hours=24),
)
HELD_IMPORTS: Final = Retention(
    "held_imports",
    Group.CUSTOMERS,
    _("Files of imports that need confirmation"),
    _("A user has to confirm that customers leave. An erasure deletes uploaded ones at once."),
    Persons.CUSTOMERS,
    time=timedelta(days=7),
)
REJECTED_ROWS: Final = Retention(
    "rejected_rows",
    Group.CUSTOMERS,
    _("Rejected rows of imports"),
    _("A user can download, fix and import them again. An erasure deletes all of them."),
    Persons.CUSTOMERS,
    time=timedelta(hours=24),
)
PUSHED_PROFILES: Final = Retention(
    "pushed_profiles",
    Group.CUSTOMERS,
    _("Pushed profiles"),
    _("They wait for an import, usually for a second."),
    Persons.CUSTOMERS,
    until=_("They are merged into customer profiles."),
)
PUSH_SNAPSHOTS: Final = Retention(
    "push_snapshots",
    Group.CUSTOMERS,
    _("Pushed snapshots that were not finished"),
    _("A program can push the rest and finish them."),
    Persons.CUSTOMERS,
    time=timedelta(hours=24),
)
DRAFTS: Final = Retention(
    "drafts",
    Group.CUSTOMERS,
    _("Unsaved rules of segments"),
    _("A user can continue where they stopped. An erasure deletes those with an email of the customer."),
    Persons.CUSTOMERS,
    time=timedelta(days=30),
)
PUSH_IMPORTS: Final = Retention(
    "push_imports",
    Group.CUSTOMERS,
    _("Imports of pushed profiles: counts and reasons"),
    _("They show whether pushes work. There may be one in a second."),
    until=_("There are more than 20 later ones with the same status."),
    most=20,
)
JOBS: Final = Retention(
    "jobs",
    Group.CUSTOMERS,
    _("Imports, refreshes and other jobs of customer profiles: counts, users, times and reasons"),
    _("They show what changed customer profiles and segments, and when."),
    Persons.USERS,
    until=_("The data source, segment or attribute is removed. Jobs of identity rules are never deleted."),
)
ERASED_HASHES: Final = Retention(
    "erased_hashes",
    Group.CUSTOMERS,
    _("Erasures: user, time and counts, and keyed hashes of the customers"),
    _("No import may add an erased customer again. The hashes cannot be reversed without the key."),
    Persons.HASHED,
    until=_("Never deleted."),
)
RUN_CONTACTS: Final = Retention(
    "run_contacts",
    Group.EXPORTS,
    _("Contacts of runs that were delivered, pending or unchanged, and the data sent"),
    _("They show what each contact was sent, and answer questions of customers."),
    Persons.CUSTOMERS,
    setting="BATCH_RETENTION_DAYS",
)
RUN_OUTCOMES: Final = Retention(
    "run_outcomes",
    Group.EXPORTS,
    _("Contacts of runs that were suppressed, rejected or excluded, with reasons"),
    _("They show why a customer did not get a message, and what to fix in the data."),
    Persons.CUSTOMERS,
    setting="OUTCOME_RETENTION_DAYS",
)
TRIGGERED_STARTS: Final = Retention(
    "triggered_starts",
    Group.EXPORTS,
    _("Starts of exports that run after imports or other exports"),
    _("Imports and runs that succeed at about the same time start one run."),
    until=_("The run begins."),
)
PREVIEWS: Final = Retention(
    "previews",
    Group.EXPORTS,
    _("Previews of exports"),
    _("A user compares them with the next run. An erasure empties all of them."),
    Persons.CUSTOMERS,
    time=timedelta(days=2),
)
RUNS: Final = Retention(
    "runs",
    Group.EXPORTS,
    _("Runs: counts, settings, user and times"),
    _("They prove what an export did. They contain no contacts."),
    until=_("The export is removed."),
)
LIST_STATE: Final = Retention(
    "list_state",
    Group.EXPORTS,
    _("Contacts on a list, their status and a hash of their data"),
    _("A run sends only what changed, and never to contacts who left the list."),
    Persons.CUSTOMERS,
    until=_("No export sends to the list, or the customer is erased."),
)
LIST_COMPARISONS: Final = Retention(
    "list_comparisons",
    Group.EXPORTS,
    _("Comparisons of a list: counts, and contacts of the last one"),
    _("They show whether the list has changed outside of exports."),
    Persons.CUSTOMERS,
    until=_("There are 30 later ones of the list."),
    most=30,
)
SUPPRESSION_LISTS: Final = Retention(
    "suppression_lists",
    Group.EXPORTS,
    _("Imported suppression lists"),
    _("No export may send to these addresses."),
    Persons.CUSTOMERS,
    until=_("A user removes them, or the customer is erased."),
)
CAMPAIGNS: Final = Retention(
    "campaigns",
    Group.EXPORTS,
    _("Campaigns sent to lists, with counts"),
    _("They show what exports were for. They contain no contacts."),
    time=timedelta(days=90),
)
DISCLOSURES: Final = Retention(
    "disclosures",
    Group.EXPORTS,
    _("To which lists a customer was sent, and when last, by a hash of the address"),
    _("Customers may ask who got their data. It outlives the customer, the export and the connection."),
    Persons.HASHED,
    setting="DISCLOSURE_RETENTION_DAYS",
)
LIST_REMOVALS: Final = Retention(
    "list_removals",
    Group.EXPORTS,
    _("Encrypted addresses of erased customers who have to be removed from a list"),
    _("The removal is tried again. The address is deleted when it is done."),
    Persons.CUSTOMERS,
    time=timedelta(days=7),
)
DESTINATION_FILES: Final = Retention(
    "destination_files",
    Group.EXPORTS,
    _("Files that connections of type File have written"),
    _("They are for other programs. This system does not read or delete them."),
    Persons.CUSTOMERS,
    until=_("An operator deletes them."),
)
EVIDENCE_FILES: Final = Retention(
    "evidence_files",
    Group.EXPORTS,
    _("Evidence files of runs, where EVIDENCE_STORE is set"),
    _("Auditors and warehouses read them. An erasure does not reach files that were written before."),
    Persons.CUSTOMERS,
    until=_("An operator deletes them."),
)
SETTINGS: Final = Retention(
    "settings",
    Group.SYSTEM,
    _("Settings of connections, data sources, segments, exports, webhooks and the system, with consents"),
    _("Jobs go by them. Rules of segments may contain values of customers, notifications go to email addresses."),
    Persons.CUSTOMERS,
    until=_("A user changes or removes them."),
)
APPLIED_CONFIGURATIONS: Final = Retention(
    "applied_configurations",
    Group.SYSTEM,
    _("Which configuration files were applied: name, revision and time"),
    _("They show which revision of a configuration is in use."),
    until=_("Never deleted."),
)
AUDIT: Final = Retention(
    "audit",
    Group.SYSTEM,
    _("Audit log"),
    _("It shows who changed what. No user and no program can change it."),
    Persons.USERS,
    until=_("Never deleted."),
)
ACCOUNTS: Final = Retention(
    "accounts",
    Group.SYSTEM,
    _("User accounts"),
    _("Users sign in with them."),
    Persons.USERS,
    until=_("An administrator removes them."),
)
API_TOKENS: Final = Retention(
    "api_tokens",
    Group.SYSTEM,
    _("API tokens, also revoked ones, as hashes"),
    _("Programs use the REST API with them. Revoked ones show who had access."),
    Persons.USERS,
    until=_("Their user is removed."),
)
SESSIONS: Final = Retention(
    "sessions",
    Group.SYSTEM,
    _("Sessions, with browser and network address"),
    _("Users see where they are signed in."),
    Persons.USERS,
    setting="SESSION_DAYS",
)
SIGN_IN_ATTEMPTS: Final = Retention(
    "sign_in_attempts",
    Group.SYSTEM,
    _("Failed attempts to sign in, by a hash of the name and a network address"),
    _("Password guessing is stopped."),
    Persons.USERS,
    time=timedelta(minutes=15),
)
RESET_REQUESTS: Final = Retention(
    "reset_requests",
    Group.SYSTEM,
    _("Requests for a new password"),
    _("The mail is tried again. They are deleted when it is sent."),
    Persons.USERS,
    time=timedelta(minutes=15),
)
EVENTS: Final = Retention(
    "events",
    Group.SYSTEM,
    _("Events, and their deliveries to webhooks"),
    _("Administrators see what was sent, and resend it. They contain counts and names, no contacts."),
    time=timedelta(days=30),
)
NOTIFICATIONS: Final = Retention(
    "notifications",
    Group.SYSTEM,
    _("Resolved alerts, and their notifications"),
    _("Administrators see who was notified of what."),
    Persons.USERS,
    time=timedelta(days=90),
)
IDEMPOTENCY_KEYS: Final = Retention(
    "idempotency_keys",
    Group.SYSTEM,
    _("Idempotency keys of the REST API, with a hash of the request"),
    _("A repeated request does nothing twice."),
    time=timedelta(hours=24),
)
SCHEDULES: Final = Retention(
    "schedules",
    Group.SYSTEM,
    _("System refreshes with their steps, and due moments"),
    _("They show what ran when. The last ones stay."),
    setting="SCHEDULE_RETENTION_DAYS",
)
BACKUPS: Final = Retention(
    "backups",
    Group.SYSTEM,
    _("Backups"),
    _("The system can be restored. They still contain customers who were erased later: repeat these erasures."),
    Persons.CUSTOMERS,
    until=_("An operator deletes them."),
)
LOGS: Final = Retention(
    "logs",
    Group.SYSTEM,
    _("Logs of the programs"),
    _(
        "Operators find the cause of errors. Secrets, email addresses and values of rows that PostgreSQL refuses"
        " are redacted. Other personal data, such as names, may be in the text of an error."
    ),
    Persons.CUSTOMERS,
    until=_("The machine or its log service deletes them."),
)


def table() -> Iterator[Retention]:
    """Iterate over all kinds of data, in the order of the groups."""
    found = [each for each in globals().values() if isinstance(each, Retention)]
    for group in Group:
        yield from (each for each in found if each.group == group)
