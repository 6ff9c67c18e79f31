"""Run the client as a module."""

from .commands import main

main()
