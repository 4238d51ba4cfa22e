"""What people read on pages, one file a language, and which of them is spoken to whom."""
