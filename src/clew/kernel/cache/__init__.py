"""Short-lived values and sliding windows that every thread, and with Redis every process, shares."""
