from django.apps import AppConfig


class CampaignMonitorConfig(AppConfig):
    name = "connections.destinations.campaign_monitor"
    label = "campaign_monitor"
