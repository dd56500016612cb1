"""Store vectors and find pages: the protocols (``base``), in ``memory``, in Lance files (``local``), in ``milvus``."""
