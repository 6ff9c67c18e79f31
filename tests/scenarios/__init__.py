"""Randomized scenarios: several exports to one list, contacts who come, go and sign up themselves, workers that
die or stand still. The list is compared with a model of it after every step."""
