"""A Campaign Monitor to run against: its own process, its own store, the vendor's paths, answers and codes.

Nothing here imports anything of the product, and the product reaches it by address only. See README.md.
"""
