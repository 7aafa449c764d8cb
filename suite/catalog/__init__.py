"""What can be run: models, methods, tiers and hardware profiles, and the cases they make.

One TOML file is one entry, the file name is its name, the folder is the registry.
"""
