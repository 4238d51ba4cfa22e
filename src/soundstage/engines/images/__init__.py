"""Images of workstations: root file systems that engines run, made here and kept in the home.

`cli` makes them; the engines look them up at each start.
"""
