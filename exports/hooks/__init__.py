"""Answer what connections, segments and the subject access report ask of exports; wired in exports/apps.py."""
