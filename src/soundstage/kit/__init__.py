"""Tools that know nothing about studios; every other layer may use them."""
