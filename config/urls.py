"""Map every address, app by app.

allauth finds its pages by name; those of its names that have no page here lead to the sign-in page.
"""

from allauth.account import views as allauth_account
from allauth.mfa.base import views as allauth_mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.urls import include, path
from django.views.generic import RedirectView

from config.console import health
from config.console.metrics import metrics
from config.console.views import (
    about,
    find,
    general,
    help,
    home,
    notifications,
    progress,
    retention,
    schedule,
    status,
    webhooks,
)
from config.platform.accounts.views import api_tokens, first_account, my_account, permissions, sign_in
from config.platform.audit import views as audit

_CONSOLE = [
    path("", home.home, name="home"),
    path("home/live/", home.home_live, name="home_live"),
    path("home/guide/hide/", home.hide_guide, name="hide_guide"),
    path("admin/system/", status.status, name="status"),
    path("admin/system/live/", status.live, name="status_live"),
    path("admin/system/health/", status.health, name="health"),
    path("admin/system/refresh/", schedule.refresh_all, name="refresh_all"),
    path("admin/system/schedule/", schedule.schedule, name="schedule"),
    path("admin/system/api-usage/", about.api_usage, name="api_usage"),
    path("admin/system/tasks/<slug:key>/", status.group, name="tasks"),
    path("admin/system/tasks/<slug:key>/<int:pk>/", status.last_runs, name="last_runs"),
    path("admin/system/progress/<slug:key>/<int:pk>/", progress.progress, name="progress"),
    path("admin/system/progress/<slug:key>/<int:pk>/live/", progress.live, name="progress_live"),
    path("admin/system/progress/<slug:key>/<int:pk>/cancel/", progress.cancel, name="cancel"),
    path("admin/system/notifications/", notifications.notifications, name="notifications"),
    path("admin/system/notifications/test/", notifications.send_test, name="send_test"),
    path("admin/system/notifications/mine/", notifications.my_notifications, name="my_notifications"),
    path("admin/system/webhooks/", webhooks.webhook_list, name="webhooks"),
    path("admin/system/webhooks/add/", webhooks.add_webhook, name="add_webhook"),
    path("admin/system/webhooks/<int:webhook_id>/", webhooks.webhook, name="webhook"),
    path("admin/system/webhooks/<int:webhook_id>/edit/", webhooks.edit_webhook, name="edit_webhook"),
    path("admin/system/webhooks/<int:webhook_id>/test/", webhooks.test_webhook, name="test_webhook"),
    path("admin/system/webhooks/<int:webhook_id>/secret/", webhooks.replace_secret, name="replace_secret"),
    path("admin/system/webhooks/<int:webhook_id>/remove/", webhooks.remove_webhook, name="remove_webhook"),
    path("admin/system/webhooks/deliveries/<int:delivery_id>/", webhooks.delivery, name="delivery"),
    path("admin/system/webhooks/deliveries/<int:delivery_id>/resend/", webhooks.resend, name="resend"),
    path("admin/system/general/", general.general, name="general"),
    path("admin/system/general/preview/", general.general_preview, name="general_preview"),
    path("admin/system/general/names/", general.names, name="names"),
    path("admin/system/retention/", retention.retention_page, name="retention"),
    path("admin/system/about/", about.about, name="about"),
    path("find/", find.find, name="find"),
    path("help/", help.help_index, name="help_index"),
    path("help/<slug:page>/", help.help_page, name="help"),
]

_ACCOUNTS = [
    path("accounts/sign-in/", sign_in.SignIn.as_view(), name="sign_in"),
    path("accounts/sign-out/", sign_in.SignOut.as_view(), name="sign_out"),
    path("accounts/single-sign-on/", sign_in.sign_in_by_single_sign_on, name="single_sign_on"),
    path("accounts/confirm/", sign_in.confirm_by_single_sign_on, name="confirm"),
    path("accounts/sessions/<int:session_id>/end/", my_account.end_session, name="end_session"),
    path("accounts/sessions/end-others/", my_account.end_other_sessions, name="end_other_sessions"),
    path("accounts/password/", my_account.change_password, name="change_password"),
    path("accounts/password/forgotten/", my_account.forgotten_password, name="forgotten"),
    path("accounts/first/<str:token>/", first_account.create_first_account, name="first_account"),
    path("accounts/password/<uidb64>/<token>/", my_account.ChoosePassword.as_view(), name="choose_password"),
    path("admin/permissions/", permissions.permissions, name="permissions"),
    path("admin/permissions/add/", permissions.add_user, name="add_user"),
    path("admin/permissions/<int:user_id>/", permissions.edit_user, name="edit_user"),
    path("admin/permissions/<int:user_id>/password/", permissions.set_password, name="set_password"),
    path("admin/permissions/<int:user_id>/deactivate/", permissions.deactivate, name="deactivate"),
    path("admin/permissions/<int:user_id>/remove/", permissions.remove, name="remove"),
    path(
        "admin/permissions/<int:user_id>/second-factor/",
        permissions.reset_second_factor,
        name="reset_second_factor",
    ),
    path("admin/permissions/<int:user_id>/invite/", permissions.invite_again, name="invite_again"),
    path("admin/permissions/<int:user_id>/activate/", permissions.activate, name="activate"),
    path("accounts/tokens/", api_tokens.my_tokens, name="api_tokens"),
    path("accounts/tokens/<int:token_id>/revoke/", api_tokens.revoke_token, name="revoke_token"),
    path("admin/permissions/service-accounts/", api_tokens.service_accounts, name="service_accounts"),
    path("admin/permissions/service-accounts/<int:user_id>/", api_tokens.service_account, name="service_account"),
    path(
        "admin/permissions/service-accounts/<int:user_id>/role/",
        api_tokens.service_account_role,
        name="service_account_role",
    ),
]

_ALLAUTH = [
    path("accounts/sign-in/", sign_in.SignIn.as_view(), name="account_login"),
    path("accounts/sign-out/", sign_in.SignOut.as_view(), name="account_logout"),
    path("accounts/sign-in/code/", allauth_mfa.authenticate, name="mfa_authenticate"),
    path("accounts/again/", allauth_account.reauthenticate, name="account_reauthenticate"),
    path("accounts/again/code/", allauth_mfa.reauthenticate, name="mfa_reauthenticate"),
    path("accounts/security/", my_account.Security.as_view(), name="mfa_index"),
    path("accounts/security/app/", totp.activate_totp, name="mfa_activate_totp"),
    path("accounts/security/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("accounts/security/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("accounts/security/codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("accounts/security/codes/file/", codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path(
        "accounts/single-sign-on/<slug:provider_id>/callback/",
        openid_connect.callback,
        name="openid_connect_callback",
    ),
    *(
        path(f"accounts/none/{name}/", sign_in.back_to_sign_in, name=name)
        for name in (
            "account_signup",
            "account_inactive",
            "account_email_verification_sent",
            "openid_connect_login",
            "socialaccount_login_cancelled",
            "socialaccount_login_error",
            "socialaccount_signup",
            "socialaccount_connections",
        )
    ),
]

_AUDIT = [
    path("admin/audit/", audit.audit, name="list"),
    path("admin/audit/download/", audit.download, name="download"),
]

# What users type who do not know an address, and where it leads.
GUESSED_ADDRESSES = {
    "accounts": "system:home",
    "admin": "system:status",
    "audit": "audit:list",
    "campaigns": "exports:list",
    "connections": "connections:list",
    "data": "segments:data_sources",
    "docs": "system:help_index",
    "exports": "exports:list",
    "home": "system:home",
    "imports": "segments:data_sources",
    "login": "system:home",
    "manual": "system:help_index",
    "permissions": "accounts:permissions",
    "data/segments": "segments:list",
    "settings": "system:general",
    "sign-in": "system:home",
    "sources": "segments:data_sources",
    "status": "system:status",
    "users": "accounts:permissions",
}

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics),
    path("", include((_CONSOLE, "system"))),
    path("", include((_ACCOUNTS, "accounts"))),
    *_ALLAUTH,
    path("", include((_AUDIT, "audit"))),
    path("", include("config.console.api.urls")),
    path("", include("connections.urls")),
    path("", include("segments.urls")),
    path("", include("exports.urls")),
    *(path(f"{guessed}/", RedirectView.as_view(pattern_name=name)) for guessed, name in GUESSED_ADDRESSES.items()),
]
