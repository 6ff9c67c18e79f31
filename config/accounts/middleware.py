"""Everybody signs in first, except where a view says otherwise."""

from django.contrib.auth.middleware import LoginRequiredMiddleware


class SignInRequired(LoginRequiredMiddleware):
    """Django's own middleware; views that strangers may see carry ``login_not_required``."""
