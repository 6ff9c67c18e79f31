from django.urls import path

from config.platform.accounts.views import invitations, letting_go, own, permissions, second_factor, single_sign_on
from config.platform.accounts.views.sign_in import SignIn, SignOut

app_name = "accounts"

urlpatterns = [
    path("accounts/sign-in/", SignIn.as_view(), name="sign_in"),
    path("accounts/sign-out/", SignOut.as_view(), name="sign_out"),
    path("accounts/single-sign-on/", single_sign_on.sign_in, name="single_sign_on"),
    path("accounts/confirm/", single_sign_on.confirm, name="confirm"),
    path("accounts/sessions/<int:session_id>/end/", own.end_session, name="end_session"),
    path("accounts/sessions/end-others/", own.end_other_sessions, name="end_other_sessions"),
    path("accounts/password/", own.change_password, name="change_password"),
    path("accounts/password/forgotten/", own.forgotten, name="forgotten"),
    path("accounts/password/<uidb64>/<token>/", own.ChoosePassword.as_view(), name="choose_password"),
    path("admin/permissions/", permissions.permissions, name="permissions"),
    path("admin/permissions/add/", permissions.add_user, name="add_user"),
    path("admin/permissions/<int:user_id>/", permissions.edit_user, name="edit_user"),
    path("admin/permissions/<int:user_id>/password/", permissions.set_password, name="set_password"),
    path("admin/permissions/<int:user_id>/deactivate/", letting_go.deactivate, name="deactivate"),
    path("admin/permissions/<int:user_id>/remove/", letting_go.remove, name="remove"),
    path("admin/permissions/<int:user_id>/second-factor/", second_factor.reset, name="reset_second_factor"),
    path("admin/permissions/<int:user_id>/invite/", invitations.invite_again, name="invite_again"),
    path("admin/permissions/<int:user_id>/activate/", permissions.activate, name="activate"),
]
