"""A library in Milvus as if it were new."""

from maxsight.stores.milvus.pages import AUDIT, FIELDS


def emptied(store):
    """The store, without pages, fields and audit."""
    store.remove([entry.document.path for entry in store.documents()])
    pages = store._pages
    pages._keep({FIELDS: "{}", AUDIT: ""})
    return store
