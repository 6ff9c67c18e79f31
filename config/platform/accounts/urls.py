from django.urls import path

from config.platform.accounts.views import deactivation, my_account, permissions, sign_in
from config.platform.accounts.views.sign_in import SignIn, SignOut

app_name = "accounts"

urlpatterns = [
    path("accounts/sign-in/", SignIn.as_view(), name="sign_in"),
    path("accounts/sign-out/", SignOut.as_view(), name="sign_out"),
    path("accounts/single-sign-on/", sign_in.sign_in_by_single_sign_on, name="single_sign_on"),
    path("accounts/confirm/", sign_in.confirm_by_single_sign_on, name="confirm"),
    path("accounts/sessions/<int:session_id>/end/", my_account.end_session, name="end_session"),
    path("accounts/sessions/end-others/", my_account.end_other_sessions, name="end_other_sessions"),
    path("accounts/password/", my_account.change_password, name="change_password"),
    path("accounts/password/forgotten/", my_account.forgotten_password, name="forgotten"),
    path("accounts/password/<uidb64>/<token>/", my_account.ChoosePassword.as_view(), name="choose_password"),
    path("admin/permissions/", permissions.permissions, name="permissions"),
    path("admin/permissions/add/", permissions.add_user, name="add_user"),
    path("admin/permissions/<int:user_id>/", permissions.edit_user, name="edit_user"),
    path("admin/permissions/<int:user_id>/password/", permissions.set_password, name="set_password"),
    path("admin/permissions/<int:user_id>/deactivate/", deactivation.deactivate, name="deactivate"),
    path("admin/permissions/<int:user_id>/remove/", deactivation.remove, name="remove"),
    path(
        "admin/permissions/<int:user_id>/second-factor/",
        permissions.reset_second_factor,
        name="reset_second_factor",
    ),
    path("admin/permissions/<int:user_id>/invite/", permissions.invite_again, name="invite_again"),
    path("admin/permissions/<int:user_id>/activate/", permissions.activate, name="activate"),
]
