"""The settings: those of each room in a module of its own, put together in `kit/config.py`.

A field's name is the setting's; the text under it is what `docs/reference/settings.md` says.
"""
