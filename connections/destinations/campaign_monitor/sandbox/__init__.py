"""Imitate Campaign Monitor for tests and demos: a process and a store of its own, the vendor's paths, answers and
codes.

It imports nothing of the product, and the product reaches it by address only. See README.md.
"""
