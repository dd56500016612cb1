"""Libraries in Milvus: opening, the rows of pages, and the two layouts of their vectors. Needs the extra ``milvus``."""

from maxsight.stores.milvus.opening import create_milvus_store, milvus_library_exists, open_milvus_store

__all__ = ["create_milvus_store", "milvus_library_exists", "open_milvus_store"]
