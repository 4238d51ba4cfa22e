"""What the product is about: one folder per noun of the API, with the same file names in each."""
