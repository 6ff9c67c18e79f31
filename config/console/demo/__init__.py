"""The demo: ten thousand profiles of people who do not exist, a sandbox that knew some of them before, and a
first run."""
