from django.urls import path

from config.accounts.views.sign_in import SignIn, SignOut

app_name = "accounts"

urlpatterns = [
    path("accounts/sign-in/", SignIn.as_view(), name="sign_in"),
    path("accounts/sign-out/", SignOut.as_view(), name="sign_out"),
]
