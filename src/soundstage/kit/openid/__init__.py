"""OpenID Connect, for a service that people sign in to: the provider, and one sign-in there."""
