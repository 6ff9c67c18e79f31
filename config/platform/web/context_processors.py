"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from config.platform.web import installation, navigation

THEMES = ("light", "dark")
PAGE = "base.html"


def shell(request: HttpRequest) -> dict[str, object]:
    """The product's name, the navigation, the chosen looks, and what a page must extend to answer htmx with
    nothing but the part that it asked for."""
    target = request.headers.get("HX-Target", "") if request.headers.get("HX-Request") == "true" else ""
    theme = request.COOKIES.get("theme", "")
    return {
        "product_name": settings.PRODUCT_NAME,
        "installation": SimpleLazyObject(lambda: getattr(request, "installation", None) or installation.current()),
        "organisation_name": SimpleLazyObject(installation.organisation_name),
        "demo": settings.DEMO,
        "version": settings.VERSION,
        "theme": theme if theme in THEMES else "auto",
        "nav_collapsed": request.COOKIES.get("nav") == "collapsed",
        "navigation": SimpleLazyObject(lambda: navigation.groups_for(request)),
        "list_shell": "components/list_fragment.html" if target == "list" else PAGE,
        "pane_shell": "components/pane_frame.html" if target == "pane" else PAGE,
        "dialog_shell": "components/dialog_frame.html" if target == "dialog" else PAGE,
        "pane_base": "components/pane.html",
        "dialog_base": "components/confirm.html",
    }
