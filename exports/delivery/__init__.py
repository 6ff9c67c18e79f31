"""Send the batches of a run: the loop, the pool of senders, and how many calls may be in flight."""
