"""The library over HTTP: the API under ``/v1``, and the web page that uses it. Needs the extra ``server``."""
