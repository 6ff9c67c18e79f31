"""What the apps stand on; knows none of them."""
