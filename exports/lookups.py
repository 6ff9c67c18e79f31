"""How exports ask an account about its lists: as connections do."""

from connections.lookups import Lists, Lookup, forget, lists_of, look_up, look_up_at_once, stand

__all__ = ["Lists", "Lookup", "forget", "lists_of", "look_up", "look_up_at_once", "stand"]
