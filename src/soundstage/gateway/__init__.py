"""The door for streams: a ticket becomes a cookie, a cookie becomes a relayed desktop."""
