"""A library behind a server: searched over HTTP, with the same hits and errors as a library on this machine."""

from maxsight.client.library import RemoteLibrary
from maxsight.client.responses import Answer, RemoteExplanation

__all__ = ["Answer", "RemoteExplanation", "RemoteLibrary"]
