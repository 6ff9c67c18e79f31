"""Map the addresses of allauth that are used here to the names by which it finds them."""

from allauth.account import views as account
from allauth.mfa.base import views as base
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.urls import path

from config.platform.accounts.views.my_account import Security
from config.platform.accounts.views.sign_in import SignIn, SignOut, back_to_sign_in

urlpatterns = [
    path("accounts/sign-in/", SignIn.as_view(), name="account_login"),
    path("accounts/sign-out/", SignOut.as_view(), name="account_logout"),
    path("accounts/sign-in/code/", base.authenticate, name="mfa_authenticate"),
    path("accounts/again/", account.reauthenticate, name="account_reauthenticate"),
    path("accounts/again/code/", base.reauthenticate, name="mfa_reauthenticate"),
    path("accounts/security/", Security.as_view(), name="mfa_index"),
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
        path(f"accounts/none/{name}/", back_to_sign_in, name=name)
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
