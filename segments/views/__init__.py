"""Pages of customers, data sources and segments."""
