"""Identities: whom an OpenID Connect provider means, and who that is here."""
