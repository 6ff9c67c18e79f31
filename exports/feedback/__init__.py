"""Read from lists what their subscribers did: leave, join again, disappear."""
