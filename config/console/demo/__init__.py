"""The demo: ten thousand people who do not exist, a sandbox that knew some of them before, and a first run."""
