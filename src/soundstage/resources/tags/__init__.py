"""Labels on resources."""
