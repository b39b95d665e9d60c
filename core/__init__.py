"""The engine of Openbell: it knows no screen and no command line."""
