"""Kill the processes of jobs of the profile store at chosen points.

hook/sitecustomize.py is on the PYTHONPATH of those processes and pauses them, points.py tells it where; data.py
has the files that are imported, watching.py reads the store all the while, erase_person.py erases a person in a
process.
"""
