"""A person's rights: everything known about them, and being erased."""
