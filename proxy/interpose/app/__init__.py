"""The doors: command line, later the web view and the pytest plugin."""
