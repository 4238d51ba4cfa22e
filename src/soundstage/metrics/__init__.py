"""The door for Prometheus: what is counted, and what charts and alerts are made of it."""
