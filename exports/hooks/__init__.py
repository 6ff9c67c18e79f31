"""What exports tell connections, segments and the subject access report; registered by apps.py."""
