"""Tags of segments and exports: what both share of them."""
