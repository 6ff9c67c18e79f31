"""Events: what happened to runs, segments, lists and alerts, sent to other systems by signed webhooks."""
