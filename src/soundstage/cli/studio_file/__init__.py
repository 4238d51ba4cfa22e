"""A studio as a file: read, compared with what runs, and made so."""
