"""Fakes and small worlds for tests; shipped, never imported by the rest."""
