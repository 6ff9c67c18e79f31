"""Template tags that every template may use (they are built in, see settings)."""

from django import template

register = template.Library()
