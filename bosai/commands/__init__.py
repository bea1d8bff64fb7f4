"""What each command does. Parsing is in `cli.py`; rules are in the services."""
