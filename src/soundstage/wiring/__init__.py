"""The only place where implementations are chosen: everything that a running service is made of.

Nothing below it knows which engine, database or door there is.
"""
