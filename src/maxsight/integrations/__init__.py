"""maxsight in other frameworks: retrievers for LangChain, LlamaIndex and Haystack, a search model for mteb.

Each module needs the extra of its name, and is imported by name.
"""
