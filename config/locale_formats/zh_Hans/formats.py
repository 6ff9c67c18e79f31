"""Set the thousands of Chinese numbers apart as users there expect: 12,345. Django writes 12345."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
