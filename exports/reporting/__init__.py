"""What pages and commands say of a run: counts, messages, next steps, people, and alerts."""
