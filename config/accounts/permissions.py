"""Everything a person may be allowed to do. Which role may do what is said in roles.py."""

from enum import StrEnum


class Permission(StrEnum):
    EXPORT_VIEW = "export_view"
    EXPORT_MANAGE = "export_manage"  # only on connections that are shared with one's role
    SEGMENT_VIEW = "segment_view"
    SEGMENT_MANAGE = "segment_manage"
    DATA_SOURCE_MANAGE = "data_source_manage"
    CUSTOMER_VIEW = "customer_view"
    PERSONAL_DATA_SEE = "personal_data_see"  # others see it masked
    CONNECTION_MANAGE = "connection_manage"
    USER_MANAGE = "user_manage"
    SYSTEM_VIEW = "system_view"
    SYSTEM_MANAGE = "system_manage"
    AUDIT_VIEW = "audit_view"
