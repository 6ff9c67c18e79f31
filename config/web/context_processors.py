"""What every page knows."""

from django.conf import settings
from django.http import HttpRequest


def shell(request: HttpRequest) -> dict[str, object]:
    """The product's name and whether this is the demo."""
    return {"product_name": settings.PRODUCT_NAME, "demo": settings.DEMO, "version": settings.VERSION}
