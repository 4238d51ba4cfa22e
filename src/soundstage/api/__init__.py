"""The door for SDKs and the command line: signed REST-JSON requests under `/2020-08-01`."""
