"""A library in Milvus made empty, which is quicker than making a new one."""

from maxsight.stores.milvus.properties import AUDIT, FIELDS


def emptied(store):
    """Empty a store of pages, fields and audit, and return it."""
    store.remove([entry.document.path for entry in store.documents()])
    store._change({FIELDS: "{}", AUDIT: ""})
    return store
