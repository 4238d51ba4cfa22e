"""Webhooks: addresses elsewhere that are told of a studio's events."""
