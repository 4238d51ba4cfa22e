"""EULAs: licences that a studio accepts before it launches images that they cover."""
