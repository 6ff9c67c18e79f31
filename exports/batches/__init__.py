"""Contacts in the units in which they are sent: split, write, and encode batches."""
