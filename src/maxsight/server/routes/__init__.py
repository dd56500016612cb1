"""The API's routes, a module for each thing they are about."""
