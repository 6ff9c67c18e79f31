"""The table of retention speaks of the data of every model."""

from django.apps import apps

from config.platform import retention

# Of Django itself: they name code and have no data of an installation.
OF_DJANGO = {"auth.Permission", "auth.Group", "auth.Group_permissions", "contenttypes.ContentType"}
# kind → the models that it speaks of. What a kind stores outside of PostgreSQL has none.
MODELS = {
    "deleted_attributes": {"segments.DeletedAttribute"},
    "member_sets": {"segments.MemberSet"},
    "push_snapshots": {"segments.PushSnapshot"},
    "pushed_profiles": {"segments.PushedBatch"},
    "drafts": {"segments.SegmentDraft"},
    "profiles": {"segments.RemovedSource"},
    "jobs": {
        *("segments.ImportJob", "segments.ImportProblem", "segments.WatchedFile"),
        *("segments.SegmentRefresh", "segments.AttributeChange", "segments.Unification"),
    },
    "erased_hashes": {"segments.Erasure", "segments.ErasedHash", "exports.PersonKey"},
    "run_contacts": {"exports.Batch"},
    "run_outcomes": {"exports.ContactBlock", "exports.Outcome"},
    "runs": {"exports.Run", "exports.RunEvent", "exports.ListCleanup", "exports.EvidenceWriting"},
    "triggered_starts": {"exports.TriggeredStart"},
    "previews": {"exports.ExportPreview"},
    "list_state": {
        *("exports.ListState", "exports.DeliveredSet", "exports.SyncedContact", "exports.SubscriberStatus"),
        *("exports.RemovedContact", "exports.Refused"),
        *("exports.ListWatch", "exports.ListWebhook", "exports.CampaignReading"),
    },
    "list_comparisons": {"exports.ListComparison", "exports.ListedContact", "exports.ListDrift"},
    "suppression_lists": {"exports.ImportedSuppression"},
    "campaigns": {"exports.Campaign"},
    "disclosures": {"exports.Disclosure", "exports.DisclosedList"},
    "list_removals": {"exports.PersonRemoval"},
    "settings": {
        *("connections.Connection", "connections.Consent", "events.Webhook", "web.Installation"),
        *("segments.DataSource", "segments.ProfileAttribute", "segments.DatabaseQuery", "segments.WatchedPlace"),
        *("segments.IdentityRules", "segments.Segment", "segments.SourceSchedule", "segments.SegmentSchedule"),
        *("exports.Export", "exports.Export_segments", "exports.RunAfter", "exports.ExportSchedule"),
        "system.SystemSchedule",
    },
    "applied_configurations": {"system.AppliedConfiguration"},
    "audit": {"audit.AuditEntry"},
    "accounts": {
        *("accounts.User", "account.EmailAddress", "account.EmailConfirmation", "mfa.Authenticator"),
        *("socialaccount.SocialApp", "socialaccount.SocialAccount", "socialaccount.SocialToken"),
    },
    "api_tokens": {"accounts.ApiToken"},
    "sessions": {"sessions.Session", "usersessions.UserSession"},
    "sign_in_attempts": {"accounts.SignInAttempt"},
    "reset_requests": {"accounts.ResetRequest"},
    "events": {"events.Event", "events.Delivery"},
    "notifications": {"notifications.Condition", "notifications.Notification"},
    "idempotency_keys": {"api.IdempotencyKey"},
    "schedules": {
        *("system.SystemRefresh", "system.RefreshStep", "system.SystemTick"),
        *("segments.SourceTick", "segments.SegmentTick", "exports.ExportTick"),
    },
}


def test_every_model_is_of_one_kind() -> None:
    listed = sorted(model for models in (*MODELS.values(), OF_DJANGO) for model in models)
    assert listed == sorted(model._meta.label for model in apps.get_models(include_auto_created=True))


def test_every_kind_is_in_the_table() -> None:
    assert MODELS.keys() - {kind.key for kind in retention.table()} == set()
