"""What became of batches: results and list state, written in one transaction with each batch."""
