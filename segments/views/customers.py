"""Show customers: the list with search, and the page of a profile."""

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode

from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from config.platform.accounts.decorators import require_permission
from config.platform.accounts.models import User
from config.platform.accounts.permissions import Permission
from config.platform.web.htmx import Request
from config.platform.web.lists import LONGEST_SEARCH, row_id
from segments import catalog, display, hooks, search
from segments.models import DataSource, Profile
from segments.permissions import (
    user_can_manage_data_sources,
    user_can_manage_personal_data,
    user_can_see_personal_data,
)
from segments.privacy.subjects import Subject, addresses

PAGE_SIZE = 50


@dataclass(frozen=True)
class CustomerList:
    """The list and its search box, for the template."""

    rows: list[display.ProfileRow]
    search: str
    sort: str
    total: int | None
    previous_url: str
    next_url: str


@require_permission(Permission.CUSTOMER_VIEW)
@require_safe
def customers(request: Request) -> HttpResponse:
    """Show the list; ``?q=`` searches, ``?after=`` and ``?before=`` with an ID turn pages."""
    all_attributes = catalog.attributes()
    attributes = display.summary_attributes(all_attributes)
    total = DataSource.objects.aggregate(total=Sum("profile_count"))["total"] or 0
    words = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    key_only = not user_can_see_personal_data(request.user)
    start = _page_start(request)
    refused = bool(words) and key_only and not search.allow_search(request.user)
    if refused:
        found = search.ProfilePage([], has_previous=False, has_next=False, total=0)
    elif words:
        found = search.find_profiles(words, all_attributes, start, PAGE_SIZE, key_only=key_only)
    else:
        found = search.all_profiles(start, PAGE_SIZE)
    context = {
        "list": _list(found, attributes, request.user, words, found.total if words else total),
        "attributes": attributes,
        "everyone": total,
        "most_sorted": search.MAX_SORTED,
        "key_only": key_only,
        "refused": refused,
        "can_erase": user_can_manage_personal_data(request.user),
        "can_import": user_can_manage_data_sources(request.user),
        "active_nav": "customers",
    }
    status = HTTPStatus.TOO_MANY_REQUESTS if refused else HTTPStatus.OK
    return render(request, "segments/customers.html", context, status=status)


@require_permission(Permission.CUSTOMER_VIEW)
@require_safe
def customer(request: Request, pk: int) -> HttpResponse:
    """Show a profile with its attributes, segments and lists."""
    profile = get_object_or_404(Profile.objects.select_related("source"), pk=pk)
    all_attributes, alone = catalog.attributes(), _alone(profile)
    context = {
        "profile": profile,
        "key": display.shown_key(profile, request.user),
        "title": _title(profile, request.user),
        "cells": display.cells(profile, all_attributes, request.user),
        "segments": [
            member.segment for member in profile.memberships.select_related("segment").order_by("segment__name")
        ],
        "lists": hooks.personal_data.lists(alone),
        "emails": alone.emails,
        "look_up_url": hooks.personal_data.look_up_url() if user_can_see_personal_data(request.user) else "",
        "can_erase": user_can_manage_personal_data(request.user),
        "is_masked": not user_can_see_personal_data(request.user),
        "active_nav": "customers",
    }
    return render(request, "segments/customer.html", context)


def _alone(profile: Profile) -> Subject:
    return Subject([profile], sorted(addresses(profile, hooks.personal_data.email_attributes())))


def _title(profile: Profile, user: User) -> str:
    names = [str(profile.attributes.get(name, "")) for name in ("first_name", "last_name")]
    shown = " ".join(name for name in names if name)
    return shown if shown and user_can_see_personal_data(user) else display.shown_key(profile, user)


def _page_start(request: Request) -> search.PageStart:
    after, before = row_id(request.GET.get("after", "")), row_id(request.GET.get("before", ""))
    return search.PageStart(before=before) if before else search.PageStart(after=after or 0)


def _list(
    found: search.ProfilePage,
    attributes: list[catalog.Attribute],
    user: User,
    words: str,
    total: int | None,
) -> CustomerList:
    rows = display.profile_rows(found.profiles, attributes, user)
    first, last = (rows[0].profile.pk, rows[-1].profile.pk) if rows else (0, 0)
    query = {"q": words} if words else {}
    return CustomerList(
        rows=rows,
        search=words,
        sort="",
        total=total,
        previous_url="?" + urlencode(query | {"before": first}) if found.has_previous else "",
        next_url="?" + urlencode(query | {"after": last}) if found.has_next else "",
    )
