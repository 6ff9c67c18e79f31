"""What could go wrong, what stops it, and the tests that prove it; shown in the manual. A test makes sure that
each of the tests named here is there."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_ACCOUNTS = "tests/integration/config"
_CONNECTIONS = "tests/integration/connections"
_EXPORTS = "tests/integration/exports"
_PRIVACY = "tests/integration/privacy"
_SECRETS = "tests/integration/secrets/test_planted_secret.py"


@dataclass(frozen=True)
class Threat:
    """One row; ``tests`` are written as pytest takes them, file::name."""

    what: Promise
    stopped_by: Promise
    tests: tuple[str, ...]

    @property
    def proofs(self) -> list[tuple[str, str, str]]:
        """Each test as pytest takes it, its file, and what it says as a sentence."""
        parts = [(test, *test.split("::")) for test in self.tests]
        return [(test, path, name.removeprefix("test_").replace("_", " ")) for test, path, name in parts]


SIGNING_IN = (
    Threat(
        _("Password guessing"),
        _(
            "Sign-in is locked for a while, per user name and per IP address. The message is the "
            "same for unknown user names."
        ),
        (
            f"{_ACCOUNTS}/test_passwords.py::test_it_locks_a_name_after_too_many_failures",
            f"{_ACCOUNTS}/test_passwords.py::test_it_locks_an_address_that_tries_many_names",
            f"{_ACCOUNTS}/test_passwords.py::test_it_says_the_same_of_an_unknown_name",
        ),
    ),
    Threat(
        _("A stolen password"),
        _(
            "With a second factor, the password alone does not allow sign-in. Codes work once, and "
            "guessing is limited."
        ),
        (
            f"{_ACCOUNTS}/test_second_factor.py::test_it_asks_for_a_code_at_the_door",
            f"{_ACCOUNTS}/test_second_factor.py::test_a_code_works_once",
            f"{_ACCOUNTS}/test_second_factor.py::test_it_stops_guessing_of_codes",
        ),
    ),
    Threat(
        _("A former employee still has access"),
        _("Deactivating or removing a user ends all sessions immediately and invalidates links."),
        (
            f"{_ACCOUNTS}/test_permissions.py::test_it_deactivates_and_activates",
            f"{_ACCOUNTS}/test_invitations.py::test_a_removed_user_leaves_what_they_did",
            f"{_ACCOUNTS}/test_single_sign_on.py::test_a_deactivated_user_stays_out",
            f"{_ACCOUNTS}/test_passwords.py::test_a_deactivated_person_gets_nowhere_with_an_old_link",
        ),
    ),
    Threat(
        _("No administrator is left"),
        _("The last active administrator cannot be deactivated, removed or given another role."),
        (
            f"{_ACCOUNTS}/test_permissions.py::test_it_never_loses_the_last_administrator",
            f"{_ACCOUNTS}/test_invitations.py::test_it_keeps_the_last_administrator_who_can_sign_in",
        ),
    ),
    Threat(
        _("A link from an email is intercepted"),
        _("The link works once, within three days. It is never logged."),
        (
            f"{_ACCOUNTS}/test_passwords.py::test_it_mails_a_link_that_works_once",
            f"{_ACCOUNTS}/test_passwords.py::test_a_link_does_not_work_for_ever",
            f"{_ACCOUNTS}/test_invitations.py::test_it_records_who_was_invited_and_never_the_link",
        ),
    ),
    Threat(
        _("An attacker claims another email at single sign-on"),
        _("Only a verified email gives access to an account. Tokens for other applications are rejected."),
        (
            f"{_ACCOUNTS}/test_single_sign_on.py::test_an_unverified_address_opens_no_account",
            f"{_ACCOUNTS}/test_single_sign_on.py::test_a_token_for_another_application_is_refused",
            f"{_ACCOUNTS}/test_single_sign_on.py::test_an_answer_that_was_not_asked_for_is_refused",
        ),
    ),
    Threat(
        _("The sign-in page redirects to a malicious site"),
        _("Redirects are limited to this site."),
        (f"{_ACCOUNTS}/test_sign_in.py::test_it_never_leads_to_another_site",),
    ),
)

DATA = (
    Threat(
        _("A secret appears in a page, a log, a download or the broker"),
        _("Secrets are decrypted in one place and encrypted everywhere else."),
        (
            f"{_SECRETS}::test_it_is_in_no_page_line_record_or_download",
            f"{_SECRETS}::test_it_is_in_no_error_page",
            f"{_SECRETS}::test_the_dump_holds_ciphertext_only",
            f"{_SECRETS}::test_the_broker_never_carries_it",
        ),
    ),
    Threat(
        _("Someone reads the database or a copy of it"),
        _("Credentials and second factors are encrypted. The keys are stored elsewhere and can be rotated."),
        (
            f"{_SECRETS}::test_the_dump_holds_ciphertext_only",
            f"{_ACCOUNTS}/test_second_factor.py::test_turning_the_keys_covers_it",
            f"{_EXPORTS}/test_rotation_under_way.py::test_a_run_goes_on_through_it",
        ),
    ),
    Threat(
        _("A key is lost without notice"),
        _("The system does not start with keys that cannot decrypt the stored data."),
        (
            f"{_ACCOUNTS}/test_refusing_to_start.py::test_it_does_not_start_with_another_key",
            f"{_ACCOUNTS}/test_second_factor.py::test_nothing_starts_without_its_key",
        ),
    ),
    Threat(
        _("A forged request bypasses the pages"),
        _(
            "Every URL defines who may use it, and tests try each one with every role. A new URL "
            "without a rule fails the tests."
        ),
        (
            "tests/integration/access/test_every_address.py::test_every_address_says_who_may_use_it",
            "tests/integration/access/test_every_address.py::test_only_those_are_let_in",
        ),
    ),
    Threat(
        _("Cross-site request forgery or script injection"),
        _("Every action requires a token of its page. Pages run only our own scripts."),
        (
            "tests/integration/access/test_every_address.py::test_another_site_can_do_nothing",
            "tests/integration/access/test_every_address.py::test_pages_run_no_script_but_our_own",
        ),
    ),
    Threat(
        _("A forged response is used to authenticate with Campaign Monitor"),
        _("The authorization is bound to the session that requested it. Other responses are rejected."),
        (
            f"{_CONNECTIONS}/test_oauth_sign_in.py::test_an_answer_belongs_to_the_session_that_asked",
            f"{_CONNECTIONS}/test_oauth_sign_in.py::test_unrequested_answers_are_refused",
        ),
    ),
    Threat(
        _("A contributor uses a connection that is not shared"),
        _("Every page and action checks the permission, for every type of request."),
        (
            f"{_EXPORTS}/test_connection_sharing.py::test_an_action_asks_as_well_as_the_page",
            f"{_EXPORTS}/test_connection_sharing.py::test_other_roles_do_not_reach_connections",
            f"{_EXPORTS}/test_export_pane.py::test_it_refuses_a_post_made_by_hand",
        ),
    ),
    Threat(
        _("Connection limits are bypassed"),
        _("Limits are checked again in every run, also for configuration files and administrators."),
        (
            f"{_EXPORTS}/test_connection_limits.py::test_only_who_agreed_is_sent",
            f"{_EXPORTS}/test_connection_limits.py::test_a_file_is_held_to_them",
            f"{_EXPORTS}/test_connection_limits.py::test_administrators_are_held_to_them_too",
        ),
    ),
    Threat(
        _("Personal data is shown to unauthorized users"),
        _("It is masked for viewers, and search does not reveal it."),
        (
            "tests/integration/segments/test_customers.py::test_it_masks_what_a_viewer_may_not_see",
            "tests/integration/segments/test_customers.py::test_a_viewer_finds_no_masked_value_by_searching",
            f"{_EXPORTS}/test_run_people.py::test_it_masks_for_a_viewer_and_lets_them_find_nothing_out",
        ),
    ),
    Threat(
        _("Data is exported without accountability"),
        _("Live connections require consent to the current text, and an active administrator as export user."),
        (
            f"{_CONNECTIONS}/test_consent.py::test_a_new_text_asks_again",
            f"{_CONNECTIONS}/test_consent.py::test_it_keeps_who_from_where_and_which_words",
        ),
    ),
    Threat(
        _("An erased customer returns with the next import"),
        _("A keyed hash remains, and imports reject the row. The erasure record has no personal data."),
        (
            f"{_PRIVACY}/test_erase.py::test_an_erased_person_who_is_imported_again_and_exported_again_is_nowhere",
            f"{_PRIVACY}/test_erase.py::test_the_record_says_that_it_happened_without_the_person",
            f"{_PRIVACY}/test_privacy_pages.py::test_only_administrators_come_through_any_door",
        ),
    ),
    Threat(
        _("An erased customer is still sent by a job in progress"),
        _(
            "Plans, batches and imports in progress exclude the customer. Data already sent is "
            "removed from the list."
        ),
        (
            f"{_PRIVACY}/test_erase.py::test_an_erased_person_is_nowhere_and_the_counts_stay",
            f"{_PRIVACY}/test_erase_during_runs.py::test_who_is_planned_is_not_sent",
            f"{_PRIVACY}/test_erase_during_runs.py::test_an_erasure_waits_for_an_open_import",
            f"{_PRIVACY}/test_list_removal.py::test_it_removes_the_person_from_the_list_and_forgets_the_address",
        ),
    ),
    Threat(
        _("It is unknown to which lists a customer was disclosed"),
        _(
            "Disclosures are kept as hashes until their retention ends, even when the customer, the "
            "export and the connection are removed."
        ),
        (
            f"{_PRIVACY}/test_erase.py::test_disclosures_outlive_the_person_the_export_and_the_connection",
            f"{_PRIVACY}/test_erase.py::test_disclosures_are_forgotten_when_their_time_is_over",
        ),
    ),
    Threat(
        _("A removed or revoked connection is still used"),
        _(
            "Its secrets are deleted, and runs are stopped first. A refused authorization stops all "
            "runs until an administrator authenticates again."
        ),
        (
            "tests/faults/test_stopping.py::test_its_connection_is_removed_and_its_worker_killed",
            "tests/faults/test_vendor.py::test_its_token_is_revoked",
        ),
    ),
    Threat(
        _("The audit log is altered to hide a change"),
        _("The database rejects changes and deletions."),
        ("tests/integration/audit/test_audit_page.py::test_the_database_refuses_to_change_the_record",),
    ),
    Threat(
        _("A downloaded audit log runs as a formula"),
        _("Values that look like a formula are written as text."),
        ("tests/integration/audit/test_audit_page.py::test_it_keeps_formulas_out_of_spreadsheets",),
    ),
    Threat(
        _("The server is misconfigured"),
        _("manage.py check --deploy reports problems."),
        (
            f"{_ACCOUNTS}/test_deployment.py::test_production_settings_are_clean",
            f"{_ACCOUNTS}/test_deployment.py::test_careless_settings_are_told",
        ),
    ),
)

AVAILABILITY = (
    Threat(
        _("Many connections are held open with incomplete requests"),
        _("Reading a request uses no thread. Idle connections are closed after 30 seconds."),
        (
            f"{_ACCOUNTS}/test_slow_clients.py::test_200_half_requests_do_not_delay_other_clients",
            f"{_ACCOUNTS}/test_slow_clients.py::test_a_header_without_end_is_refused",
        ),
    ),
    Threat(
        _("An upload is too large, or expands to too much data"),
        _("The server limits the compressed and uncompressed size, the line length and the number of columns."),
        (
            "tests/integration/segments/test_import_limits.py::test_a_file_that_is_too_large_is_refused_beside_the_field",
            "tests/unit/segments/sources/test_csv_reader.py::test_a_file_that_unpacks_to_too_much_is_refused",
            "tests/unit/segments/sources/test_csv_reader.py::test_a_line_without_end_is_refused_before_it_fills_the_memory",
            "tests/unit/segments/sources/test_csv_reader.py::test_a_file_with_too_many_columns_is_refused",
        ),
    ),
    Threat(
        _("A value is made to overload the processor"),
        _("Rule values are limited to 500 characters, and patterns run in linear time."),
        (
            "tests/unit/segments/rules/test_tree.py::test_a_value_that_is_too_long_is_refused",
            "tests/unit/segments/privacy/test_subjects.py::test_a_long_word_costs_linear_time",
        ),
    ),
)

GROUPS: tuple[tuple[Promise, tuple[Threat, ...]], ...] = (
    (_("Sign in"), SIGNING_IN),
    (_("Data and secrets"), DATA),
    (_("Availability"), AVAILABILITY),
)
