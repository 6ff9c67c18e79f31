"""Render the pictures of the help."""

from django import template
from django.template.context import Context
from django.templatetags.static import static

from config.console.help_pages import PICTURES

register = template.Library()


@register.inclusion_tag("help/picture.html", takes_context=True)
def help_picture(context: Context, name: str, alt: str) -> dict[str, object]:
    """Render a picture of PICTURES, which is loaded when it is scrolled to; ``alt`` says what it shows. The static
    site of the help has it in the folder ``picture_root``."""
    root = context.get("picture_root")
    source = f"{root}/{name}.webp" if root else static(f"img/help/{name}.webp")
    return {"picture": PICTURES[name], "source": source, "alt": alt}
