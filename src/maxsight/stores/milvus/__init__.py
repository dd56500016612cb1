"""Libraries in Milvus: made, opened and searched, in two layouts of their vectors. Needs the extra ``milvus``."""

from maxsight.stores.milvus.libraries import create_milvus_store, milvus_library_exists, open_milvus_store

__all__ = ["create_milvus_store", "milvus_library_exists", "open_milvus_store"]
