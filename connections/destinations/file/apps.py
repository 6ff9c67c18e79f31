from django.apps import AppConfig


class FileConfig(AppConfig):
    name = "connections.destinations.file"
    label = "file_destination"
