"""The code of Milvus' page "Search with Embedding Lists", step 4 to 6, as it stands there but for names and sizes.

``python tests/stores/milvus/tutorials.py`` records what pymilvus sends for it in ``tutorial-requests.json``.
"""

import json
from base64 import b64encode
from pathlib import Path

import numpy as np
from pymilvus import DataType, MilvusClient
from pymilvus.client.embedding_list import EmbeddingList

RECORDED = Path(__file__).with_name("tutorial-requests.json")
DIM = 32
PATCHES = np.eye(DIM, dtype=np.float32)[:3]
"""The vectors of the recorded page, and of the recorded query."""


def make_wiki(client, name, documents, dim=DIM):
    """Make ``wiki_documents``: ``documents`` has paragraphs, each a text and a vector, by title."""
    schema = client.create_schema()

    schema.add_field("id", DataType.INT64, is_primary=True, auto_id=True)
    schema.add_field("title", DataType.VARCHAR, max_length=512)

    struct_schema = client.create_struct_field_schema()
    struct_schema.add_field("text", DataType.VARCHAR, max_length=65535)
    struct_schema.add_field("emb", DataType.FLOAT_VECTOR, dim=dim)

    schema.add_field(
        "paragraphs",
        DataType.ARRAY,
        element_type=DataType.STRUCT,
        struct_schema=struct_schema,
        max_capacity=200,
    )

    index_params = client.prepare_index_params()
    index_params.add_index(field_name="paragraphs[emb]", index_type="AUTOINDEX", metric_type="MAX_SIM_COSINE")

    client.create_collection(collection_name=name, schema=schema, index_params=index_params)
    data = [
        {"title": title, "paragraphs": [{"text": text, "emb": emb} for text, emb in paragraphs]}
        for title, paragraphs in documents.items()
    ]
    client.insert(collection_name=name, data=data)


def make_reports(client, name, pages, dim=DIM, kind=DataType.FLOAT_VECTOR, metric="MAX_SIM_COSINE"):
    """Make ``financial_reports``: ``pages`` has ``corpus_id``, ``doc_id``, ``page_number_in_doc`` and vectors."""
    schema = client.create_schema()

    schema.add_field(field_name="corpus_id", datatype=DataType.INT64, is_primary=True)

    patch_schema = client.create_struct_field_schema()

    patch_schema.add_field(field_name="emb", datatype=kind, dim=dim)

    schema.add_field(
        field_name="patches",
        datatype=DataType.ARRAY,
        element_type=DataType.STRUCT,
        struct_schema=patch_schema,
        max_capacity=1031,
    )

    schema.add_field(field_name="doc_id", datatype=DataType.VARCHAR, max_length=512)

    schema.add_field(field_name="page_number_in_doc", datatype=DataType.INT64)

    index_params = client.prepare_index_params()

    index_params.add_index(field_name="patches[emb]", index_type="AUTOINDEX", metric_type=metric)

    client.create_collection(collection_name=name, schema=schema, index_params=index_params)
    data = [
        {
            "corpus_id": corpus_id,
            "patches": [{"emb": emb} for emb in patches],
            "doc_id": doc_id,
            "page_number_in_doc": number,
        }
        for corpus_id, doc_id, number, patches in pages
    ]
    client.insert(collection_name=name, data=data)


def search_reports(client, name, query_embeddings):
    """Search ``financial_reports``."""
    query_emb_list = EmbeddingList()
    query_emb_list.add_batch(query_embeddings)

    return client.search(
        collection_name=name,
        data=[query_emb_list],
        anns_field="patches[emb]",
        search_params={"metric_type": "MAX_SIM_COSINE"},
        limit=10,
        output_fields=["doc_id", "page_number_in_doc"],
    )


def vectors_sent(request, struct, part):
    """The bytes of the vectors in a request to insert."""
    (column,) = [data for data in request.fields_data if data.field_name == struct]
    (found,) = [
        field for field in column.struct_arrays.fields if field.field_name in (part, f"{struct}[{part}]")
    ]
    return b64encode(found.vectors.SerializeToString(deterministic=True)).decode()


def query_sent(request):
    """The bytes of the query in a request to search."""
    return b64encode(request.placeholder_group).decode()


def record():
    from importlib.metadata import version

    from stores.milvus.stub import milvus, serving

    with serving() as stub:
        client = MilvusClient(stub.uri)
        make_reports(client, "financial_reports", [(1, "annual", 1, PATCHES)])
        search_reports(client, "financial_reports", PATCHES)
        client.close()
        recorded = {
            "pymilvus": version("pymilvus"),
            "vectors": vectors_sent(stub.sent(milvus.InsertRequest)[0], "patches", "emb"),
            "query": query_sent(stub.sent(milvus.SearchRequest)[0]),
        }
    RECORDED.write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    record()
