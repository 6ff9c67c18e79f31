"""Home: guide.py leads to the first run, results.py and list_sizes.py say what happened, attention.py what needs
attention, upcoming.py what is next."""
