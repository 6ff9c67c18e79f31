"""Start the runs that are due, notice overdue ones, and delete what is older than its retention."""
