"""Every setting, in one file, for every stage. What differs comes from the environment (see README.md)."""

from pathlib import Path

from csp.constants import NONE, SELF

from config import environment
from config.platform import cache
from config.standalone import broker, folders

BASE_DIR = Path(__file__).resolve().parent.parent

# -- what kind of place this is ------------------------------------------------------------------------------
DEMO = environment.flag("DEMO", False)
VAR_DIR = folders.var_dir(Path(environment.text("VAR_DIR", str(BASE_DIR / "var"))), demo=DEMO)
DATABASE_URL = environment.text("DATABASE_URL", "")
REDIS_URL = environment.text("REDIS_URL", "")
EMBEDDED = not DATABASE_URL

VERSION = environment.version_from_changelog(BASE_DIR / "CHANGELOG.md")
PRODUCT_NAME = "Segment Exports"
ORGANISATION_NAME = environment.text("ORGANISATION_NAME", "")
PRIVACY_STATEMENT_URL = environment.text("PRIVACY_STATEMENT_URL", "")

# -- secrets -------------------------------------------------------------------------------------------------
# Embedded, both are made on first start and kept beside the database; elsewhere they must be given.
SECRET_KEY = environment.text("SECRET_KEY", folders.secret_key(VAR_DIR) if EMBEDDED else None)
SECRET_KEY_FALLBACKS = environment.comma_separated("SECRET_KEY_FALLBACKS")
ENCRYPTION_KEYS = environment.comma_separated(
    "ENCRYPTION_KEYS", folders.encryption_key(VAR_DIR) if EMBEDDED else ""
)
# Where they come from a file, running processes notice when it changes.
ENCRYPTION_KEYS_FILE = environment.file_of(
    "ENCRYPTION_KEYS", folders.encryption_key_path(VAR_DIR) if EMBEDDED else None
)

# Connections may name a file instead of holding a secret; it has to lie below this folder.
CREDENTIAL_DIR = environment.text("CREDENTIAL_DIR", "/run/secrets")

# -- web -----------------------------------------------------------------------------------------------------
HOST = environment.text("HOST", "127.0.0.1")
PORT = environment.number("PORT", 8000, least=1, most=65_535)
WEB_PROCESSES = environment.number("WEB_PROCESSES", 2, least=1, most=64)
WEB_THREADS = environment.number("WEB_THREADS", 8, least=1, most=64)
# The requests that one token of the REST API may make in a minute.
API_REQUESTS_PER_MINUTE = environment.number("API_REQUESTS_PER_MINUTE", 6_000, least=1)
# A page's query is ended after so long: the browser has given up by then.
WEB_STATEMENT_SECONDS = environment.number("WEB_STATEMENT_SECONDS", 60, least=1)
DEBUG = environment.flag("DEBUG", False)
HTTPS = environment.flag("HTTPS", False)
# The proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted, with HTTPS=yes.
TRUSTED_PROXIES = environment.networks("TRUSTED_PROXIES", "127.0.0.0/8,::1")
# The machine itself may always ask: `up` and container health checks do.
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *environment.comma_separated("ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = environment.comma_separated("CSRF_TRUSTED_ORIGINS")
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]  # asked from within, without TLS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # whether a domain is preloaded is for its owner to say
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
# The demo and a real system may run side by side on one machine; cookies know no ports.
# Behind HTTPS their names promise the browser that no other host and no plain page has set them.
_COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = _COOKIE_PREFIX + ("segment_exports_demo" if DEMO else "segment_exports")
# A session ends when nothing was asked in it for so long, and so long after the sign-in at the latest.
SESSION_IDLE_MINUTES = environment.number("SESSION_IDLE_MINUTES", 480, least=1)
SESSION_DAYS = environment.number("SESSION_DAYS", 14, least=1, most=365)
SESSION_COOKIE_AGE = SESSION_DAYS * 86_400
CSRF_COOKIE_NAME = f"{SESSION_COOKIE_NAME}_csrf"
DEVICE_COOKIE_NAME = f"{SESSION_COOKIE_NAME}_device"
MESSAGE_COOKIE_NAME = f"{SESSION_COOKIE_NAME}_messages"
MESSAGE_STORAGE = "config.platform.web.message_storage.MessageStorage"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "object-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000
UPLOAD_DIR = VAR_DIR / "uploads"
# A file as it is sent, and what a packed one may unpack to.
MAX_UPLOAD_MB = environment.number("MAX_UPLOAD_MB", 1_024, least=1, most=1_048_576)
MAX_UNPACKED_MB = environment.number("MAX_UNPACKED_MB", 20_480, least=1, most=1_048_576)
# The server reads no larger request: the largest file, and the form around it.
MAX_REQUEST_BYTES = (MAX_UPLOAD_MB + 16) * 1024 * 1024
# -- the profile store: a DuckLake whose catalog is in the database ---------------------------------------------
# Its data are Parquet files in this folder, or in a bucket (s3://bucket/prefix).
PROFILE_STORE = environment.text("PROFILE_STORE", str(VAR_DIR / "profiles"))
# How DuckDB reaches that bucket: the parameters of its secret of the type s3.
PROFILE_STORE_S3 = environment.bucket("PROFILE_STORE_S3")
# Where the evidence of runs is written: a folder, or a bucket (s3://bucket/prefix); empty: nowhere.
EVIDENCE_STORE = environment.text("EVIDENCE_STORE", "")
EVIDENCE_STORE_S3 = environment.bucket("EVIDENCE_STORE_S3")
# Of each DuckDB instance; a thread that reads or writes the store has one.
PROFILE_STORE_MEMORY_MB = environment.number("PROFILE_STORE_MEMORY_MB", 512, least=64)
PROFILE_STORE_THREADS = environment.number("PROFILE_STORE_THREADS", 2, least=1, most=256)
# What does not fit into memory is written here for a moment, encrypted.
PROFILE_STORE_SPILL_DIR = VAR_DIR / "spill"
# The folder of pg_dump and pg_restore; empty: PATH and the usual folders.
POSTGRES_BIN_DIR = environment.text("POSTGRES_BIN_DIR", "")
# The folder of DuckDB's extensions; empty: in their packages.
DUCKDB_EXTENSION_DIR = environment.text("DUCKDB_EXTENSION_DIR", "")

# -- sources of profiles: databases and folders -------------------------------------------------------------------
# Hosts, addresses and networks of databases that data sources may read although they are internal.
DATABASE_SOURCE_HOSTS = environment.comma_separated("DATABASE_SOURCE_HOSTS")
# The certificates of the authorities that verify their servers; empty: the public ones.
DATABASE_SOURCE_CA = environment.text("DATABASE_SOURCE_CA", "")
# A query ends after so long, and fails with more rows than that.
DATABASE_SOURCE_SECONDS = environment.number("DATABASE_SOURCE_SECONDS", 3_600, least=1)
DATABASE_SOURCE_ROWS = environment.number("DATABASE_SOURCE_ROWS", 20_000_000, least=1)
# The folders below which data sources may read files of SQLite and DuckDB, and watch for files.
SOURCE_FOLDERS = environment.comma_separated("SOURCE_FOLDERS")
# A file in a watched folder is imported when it has not changed for so long.
WATCH_SETTLE_SECONDS = environment.number("WATCH_SETTLE_SECONDS", 30)

# Columns of one file, and attributes of all data sources together.
MAX_COLUMNS = environment.number("MAX_COLUMNS", 500, least=1, most=1_600)
MAX_ATTRIBUTES = environment.number("MAX_ATTRIBUTES", 1_000, least=1)

DESTINATIONS = [
    "connections.destinations.campaign_monitor",
    "connections.destinations.file",
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",  # templates of the form controls, for FORM_RENDERER
    "django_htmx",
    "csp",
    "lucide",
    "ninja",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "config.apps.AccountsConfig",
    "config.apps.ApiConfig",
    "config.apps.AuditConfig",
    "config.apps.EventsConfig",
    "config.apps.JobsConfig",
    "config.apps.KeyringConfig",
    "config.apps.NotificationsConfig",
    "config.apps.ConsoleConfig",
    "config.apps.WebConfig",
    "config.apps.StandaloneConfig",
    "connections",
    "segments",
    "exports",
    *DESTINATIONS,
]

MIDDLEWARE = [
    # Pages are compressed here and not by a proxy alone: with a random length, against BREACH.
    "django.middleware.gzip.GZipMiddleware",
    "config.platform.web.middleware.RefuseTrace",
    "config.platform.web.middleware.DropForgedHeaders",
    "config.platform.web.middleware.DropNulCharacters",
    "config.platform.web.middleware.RememberOrigin",
    "config.platform.web.request_logs.LabelRequest",
    "config.platform.api.middleware.ApiRequests",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",  # static files too: a browser may open one on its own
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.platform.accounts.sessions.EndOldSessions",
    "config.platform.web.request_logs.LabelUser",
    "config.platform.web.middleware.RecordRefusals",
    "config.platform.web.middleware.ApplyUserFormats",
    "allauth.account.middleware.AccountMiddleware",
    "config.platform.web.middleware.SignInRequired",
    "config.platform.web.layers.HideLayers",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.platform.accounts.second_factor.RequireSecondFactor",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "config.platform.web.middleware.VaryOnHtmx",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.platform.web.navigation.shell",
                "config.console.help_links.help_link",
            ],
            "builtins": [
                "config.platform.web.templatetags.ui",
                "lucide.templatetags.lucide",
                "django.templatetags.i18n",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# -- static files --------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = Path(environment.text("STATIC_ROOT", str(VAR_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.platform.web.static_files.BundledStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 3600

# -- accounts ------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["config.platform.accounts.sign_ins.AccountBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "config.platform.accounts.password_words.InstallationWordsValidator"},
]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "system:home"
PASSWORD_RESET_TIMEOUT = 3 * 86_400  # of invitations, too

# Second factor and single sign-on are allauth's; who may come in is asked of config/platform/accounts/adapters.py.
ACCOUNT_ADAPTER = "config.platform.accounts.adapters.AccountAdapter"
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = SOCIALACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_UNIQUE_EMAIL = False
MFA_ADAPTER = "config.platform.accounts.adapters.SecondFactorAdapter"
# Whose sign-in by password leads to the setup of a second factor until they have one.
SECOND_FACTOR_REQUIRED_OF = environment.choice(
    "SECOND_FACTOR_REQUIRED_OF", "NONE", ("NONE", "ADMINISTRATORS", "EVERYONE")
)
MFA_FORMS = {
    "activate_totp": "config.platform.accounts.second_factor.ActivateForm",
    "authenticate": "config.platform.accounts.second_factor.AuthenticateForm",
    "reauthenticate": "config.platform.accounts.second_factor.ReauthenticateForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = PRODUCT_NAME
MFA_TOTP_TOLERANCE = 1  # clocks of phones differ; a code counts once all the same
MFA_ALLOW_UNVERIFIED_EMAIL = True
SOCIALACCOUNT_ADAPTER = "config.platform.accounts.adapters.SingleSignOnAdapter"
SOCIALACCOUNT_PROVIDERS = environment.single_sign_on()
OIDC_NAME = environment.text("OIDC_NAME", "single sign-on")
OIDC_DEFAULT_ROLE = environment.choice(
    "OIDC_DEFAULT_ROLE", "VIEWER", ("VIEWER", "CONTRIBUTOR", "ADMINISTRATOR")
).lower()

# -- mail: none is sent where no server is given --------------------------------------------------------------
_MAIL_URL = environment.text("EMAIL_URL", "")
MAIL_CONFIGURED = bool(_MAIL_URL)
_MAIL = environment.mail(_MAIL_URL)
EMAIL_BACKEND = str(_MAIL["EMAIL_BACKEND"])
EMAIL_HOST, EMAIL_PORT = _MAIL.get("EMAIL_HOST", ""), _MAIL.get("EMAIL_PORT") or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.get("EMAIL_HOST_USER", ""), _MAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.get("EMAIL_USE_TLS", False), _MAIL.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _MAIL.get("EMAIL_FILE_PATH")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.text("EMAIL_FROM", "segment-exports@localhost")
# Where people find the pages, for links in what is sent to them.
PUBLIC_URL = environment.text("PUBLIC_URL", f"http://{HOST}:{PORT}")
PUBLIC_URL_IS_GIVEN = bool(environment.text("PUBLIC_URL", ""))

# -- notifications: what got worse, and what is well again -----------------------------------------------------
WEBHOOK_URL = environment.web_address("WEBHOOK_URL", "")
WEBHOOK_SECRET = environment.text("WEBHOOK_SECRET", "")
# Hosts, addresses and networks that webhooks of events may send to although they are internal.
EVENT_WEBHOOK_HOSTS = environment.comma_separated("EVENT_WEBHOOK_HOSTS")
# A run that is refused more of its people than that share is told of.
REJECTED_PERCENT = environment.number("REJECTED_PERCENT", 5, most=100)
# The command import_profiles exits with 1 when more of a file's rows than this share are rejected.
IMPORT_REJECTED_PERCENT = environment.number("IMPORT_REJECTED_PERCENT", 50, most=100)

# -- language and time ---------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "config.locale_formats"
LANGUAGES = [
    ("en", "English"),
    ("zh-hans", "中文（简体）"),
    ("pl", "Polski"),
    ("ro", "Română"),
    ("fi", "Suomi"),
    ("id", "Bahasa Indonesia"),
]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
TIME_ZONE = environment.time_zone("TIME_ZONE", "UTC")

# What was due while the system was not running: run once on return, or skip it. The pages say which happened.
MISSED_SCHEDULES = environment.choice("MISSED_SCHEDULES", "RUN", ("RUN", "SKIP"))
# How long due moments and their results are kept: due moments, system refreshes and their steps.
SCHEDULE_RETENTION_DAYS = environment.number("SCHEDULE_RETENTION_DAYS", 90, least=1)
# Only for drills: “2026-03-27T00:00:00+00:00 1774569600 1000” lets our time stand at that moment when the world's
# clock stood at that many seconds, and pass so many times as fast, in every process that is told so.
DRILL_CLOCK = environment.text("DRILL_CLOCK", "")

# How long a worker may fall silent before another takes over its job.
LEASE_SECONDS = environment.number("LEASE_SECONDS", 30, least=2)

# -- database ------------------------------------------------------------------------------------------------
DATABASES = {
    "default": environment.database(DATABASE_URL) if DATABASE_URL else folders.database(VAR_DIR),
}
DATABASES["default"] |= {"CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True}
# The role that owns the tables; only `migrate` uses it, and grants the role of DATABASE_URL what it needs.
_OWNER_URL = environment.text("DATABASE_OWNER_URL", "")
DATABASE_OWNER = environment.database(_OWNER_URL) if _OWNER_URL else {}
# Who falls silent in the middle of a transaction, as a frozen process does, lets go of its locks.
DATABASES["default"]["OPTIONS"] = environment.session_settings(
    DATABASES["default"], idle_in_transaction_session_timeout=f"{max(10, LEASE_SECONDS)}s"
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- cache: in Redis, or else in PostgreSQL -------------------------------------------------------------------
CACHES = {
    "default": cache.in_redis(REDIS_URL)
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

# -- Celery: a message only wakes a worker; state is in PostgreSQL ---------------------------------------------
# What is the same everywhere stands in config/celery.py.
BROKER_FOLDER = VAR_DIR / "broker"
CELERY_BROKER_URL = REDIS_URL or f"{broker.SCHEME}://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 3600, "health_check_interval": 30, "socket_keepalive": True}
    if REDIS_URL
    else broker.transport_options(BROKER_FOLDER)
)
WORK_THREADS = environment.number("WORK_THREADS", 4, least=1, most=64)
CELERY_WORKER_CONCURRENCY = WORK_THREADS  # where the command line says nothing else

# -- exports -------------------------------------------------------------------------------------------------
# To which lists people were ever sent is kept for so long, as hashes, whatever is removed meanwhile.
DISCLOSURE_RETENTION_DAYS = environment.number("DISCLOSURE_RETENTION_DAYS", 1095, least=1)
BATCH_RETENTION_DAYS = environment.number("BATCH_RETENTION_DAYS", 14, least=1)
OUTCOME_RETENTION_DAYS = environment.number("OUTCOME_RETENTION_DAYS", 90, least=1)
MAX_PROFILES_PER_EXPORT = environment.number("MAX_PROFILES_PER_EXPORT", 1_000_000, least=1)
# A failure that may pass is tried again so often: first after so long, each time after three times as long.
RUN_RETRIES = environment.number("RUN_RETRIES", 4, most=20)
RUN_RETRY_SECONDS = environment.number("RUN_RETRY_SECONDS", 300, least=1)
# A comparison is notified of that finds a larger share of contacts missing, or with another status or other data.
LIST_DRIFT_PERCENT = environment.number("LIST_DRIFT_PERCENT", 1, most=100)
# The address at which Campaign Monitor reaches the pages, for webhooks of lists; empty: lists are only polled.
LIST_WEBHOOK_URL = environment.web_address("LIST_WEBHOOK_URL", f"http://127.0.0.1:{PORT}" if DEMO else "")
# A list is looked at so often for subscribers who left it or became active again.
LIST_POLL_SECONDS = environment.number("LIST_POLL_SECONDS", 900, least=1)
SLICE_SECONDS = environment.number("SLICE_SECONDS", 60, least=1)

# The sandbox is an ordinary address; a connection made for it can be offered only where there is one.
CAMPAIGN_MONITOR_API_URL = environment.text("CAMPAIGN_MONITOR_API_URL", "https://api.createsend.com")
SANDBOX_PORT = environment.number("SANDBOX_PORT", 8001, least=1, most=65_535)
CAMPAIGN_MONITOR_SANDBOX_URL = environment.text(
    "CAMPAIGN_MONITOR_SANDBOX_URL", f"http://127.0.0.1:{SANDBOX_PORT}" if DEMO else ""
)
# An import answers when every row of it is applied, which may take more than ten seconds.
CAMPAIGN_MONITOR_READ_SECONDS = environment.number("CAMPAIGN_MONITOR_READ_SECONDS", 120, least=1)
# An application registered with Campaign Monitor, so that people can sign in there instead of pasting a key.
CAMPAIGN_MONITOR_OAUTH_CLIENT_ID = environment.text("CAMPAIGN_MONITOR_OAUTH_CLIENT_ID", "")
CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET = environment.text("CAMPAIGN_MONITOR_OAUTH_CLIENT_SECRET", "")

LOGGING_CONFIG = "config.logging.configure"
LOGGING = {"version": 1}  # Django calls it only when there is something to configure
OTEL_EXPORTER_OTLP_ENDPOINT = environment.web_address("OTEL_EXPORTER_OTLP_ENDPOINT", "")
SENTRY_DSN = environment.web_address("SENTRY_DSN", "")
LOG_FORMAT = environment.choice("LOG_FORMAT", "TEXT", ("TEXT", "JSON"))
LOG_LEVEL = environment.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
