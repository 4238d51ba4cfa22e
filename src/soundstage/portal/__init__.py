"""The door for browsers: pages that talk to nothing but the API."""
