"""A server that speaks Milvus' protocol on the loopback, made of pymilvus' own protobufs.

It keeps rows and answers exactly: embedding lists by MaxSim in numpy, filters by Milvus Lite's parser. What a request
holds is checked as a server checks it (lengths in bytes, capacities, dimensions, the size of a message, whether a
collection is loaded), and every request is kept, so that tests can look at what was sent to the byte.

It is no Milvus: it has no index, no segments and no time, and shows the client's half of the contract.
"""

from __future__ import annotations

import copy
import math
import re
from collections import Counter
from concurrent import futures
from contextlib import contextmanager

import grpc
import numpy as np
import pyarrow as pa
from milvus_lite.schema.types import CollectionSchema, DataType, FieldSchema
from milvus_lite.search.filter import compile_expr, evaluate_mask
from milvus_lite.search.filter.ast import CmpOp, Or, PathAccess
from milvus_lite.search.filter.parser import Parser, tokenize
from pymilvus.grpc_gen import common_pb2 as common
from pymilvus.grpc_gen import milvus_pb2 as milvus
from pymilvus.grpc_gen import milvus_pb2_grpc as services
from pymilvus.grpc_gen import schema_pb2 as schemas

from maxsight.stores.addresses import MilvusAddress
from stores.milvus.stub_columns import (
    FAILED,
    INVALID,
    NOT_FOUND,
    NOT_LOADED,
    RefusedError,
    bfloat16_to_float,
    full_name,
    ids_of,
    is_vector,
    params_of,
    read_column,
    read_structs,
    write_column,
    write_structs,
)

MESSAGE_BYTES = 64 * 2**20
WINDOW = 16_384

_FILTERED = {
    schemas.VarChar: (DataType.VARCHAR, pa.string()),
    schemas.Int64: (DataType.INT64, pa.int64()),
    schemas.Int32: (DataType.INT32, pa.int32()),
    schemas.Int16: (DataType.INT16, pa.int16()),
    schemas.Bool: (DataType.BOOL, pa.bool_()),
    schemas.Double: (DataType.DOUBLE, pa.float64()),
    schemas.Float: (DataType.FLOAT, pa.float32()),
    schemas.JSON: (DataType.JSON, pa.string()),
}


class Collection:
    """The rows of one collection, by primary key, as plain values and arrays by column."""

    def __init__(self, request, schema):
        self.schema = schema
        self.consistency = request.consistency_level
        self.properties = {pair.key: pair.value for pair in request.properties}
        self.indexes = {}
        self.rows = {}
        self.loaded = False
        for number, field in enumerate(self.every_field()):
            field.fieldID = 100 + number
        self.made = {name for function in schema.functions for name in function.output_field_names}
        self.stored = [field for field in schema.fields if field.name not in self.made]
        self.given = [field for field in self.stored if not field.autoID]

    def every_field(self):
        for field in self.schema.fields:
            yield field
        for field in self.schema.struct_array_fields:
            yield field
            yield from field.fields

    @property
    def key(self):
        return next(field.name for field in self.schema.fields if field.is_primary_key)

    def read(self, request):
        """The rows that a request to insert holds."""
        given = {data.field_name: data for data in request.fields_data}
        wanted = {field.name for field in (*self.given, *self.schema.struct_array_fields)}
        if set(given) != wanted:
            raise RefusedError(INVALID, f"fields {sorted(set(given) ^ wanted)} missing or unknown")
        columns = {field.name: read_column(field, given[field.name]) for field in self.given}
        columns |= {
            field.name: read_structs(field, given[field.name]) for field in self.schema.struct_array_fields
        }
        for name, values in columns.items():
            if len(values) != request.num_rows:
                raise RefusedError(
                    INVALID, f"the num_rows ({len(values)}) of field ({name}) is not {request.num_rows}"
                )
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for number, row in enumerate(rows, 1 + len(self.rows)):
            row.setdefault(self.key, number)
        return rows

    def kept(self, expression):
        """The rows that an expression keeps, by primary key."""
        rows = [self.rows[key] for key in sorted(self.rows)]
        if not expression.strip() or not rows:
            return rows
        fields = [field for field in self.schema.fields if field.data_type in _FILTERED]
        lite = [FieldSchema(field.name, _FILTERED[field.data_type][0]) for field in fields]
        table = pa.table(
            {
                field.name: pa.array([row[field.name] for row in rows], _FILTERED[field.data_type][1])
                for field in fields
            }
        )
        try:
            parsed = _ServerParser(tokenize(expression), expression).parse()
            mask = evaluate_mask(compile_expr(parsed, CollectionSchema(lite), expression), table)
        except Exception as error:
            raise RefusedError(INVALID, f"cannot parse expression: {expression}, error: {error}") from error
        return [row for row, keep in zip(rows, mask, strict=True) if keep]

    def columns(self, rows, names):
        """Rows as the server sends them."""
        for field in self.stored:
            if field.name in names or "*" in names:
                yield write_column(field, [row[field.name] for row in rows])
        for field in self.schema.struct_array_fields:
            parts = [part for part in field.fields if names & {"*", field.name, full_name(field, part)}]
            if parts:
                yield write_structs(field, parts, [row[field.name] for row in rows])


class _ServerParser(Parser):
    """Milvus takes ``IN`` on a key of a JSON column, Milvus Lite's parser does not."""

    def _parse_in_tail(self, left, negate):
        if not isinstance(left, PathAccess) or negate:
            return super()._parse_in_tail(left, negate)
        self._consume()
        values = self.parse_list_literal().elements
        return Or(tuple(CmpOp("==", left, value, left.pos) for value in values), left.pos)


class Stub(services.MilvusServiceServicer):
    """Answers requests. ``requests`` are all that came, in order; ``fail`` maps a method to an error to answer with."""

    def __init__(self, version):
        self.version = version
        self.uri = ""
        self.collections = {}
        self.requests = []
        self.fail = {}
        self.keeps_structs = tuple(map(int, re.findall(r"\d+", version))) >= (2, 6, 4)

    def address(self, collection, **options):
        """A library on it."""
        return MilvusAddress(self.uri, collection=collection, **options)

    def copy_of(self, name):
        """Another collection like this one: making one through the client takes seconds, in which it sleeps."""
        return copy.deepcopy(self.collections[name])

    def sent(self, kind):
        """The requests of one kind."""
        return [request for request in self.requests if isinstance(request, kind)]

    def _named(self, request):
        if request.collection_name not in self.collections:
            raise RefusedError(NOT_FOUND, f"collection not found[collection={request.collection_name}]")
        return self.collections[request.collection_name]

    def _searched(self, request):
        collection = self._named(request)
        if not collection.loaded:
            raise RefusedError(NOT_LOADED, f"collection not loaded[collection={request.collection_name}]")
        return collection

    def connect(self, request):
        return milvus.ConnectResponse(identifier=1, server_info=common.ServerInfo(build_tags=self.version))

    def get_version(self, request):
        return milvus.GetVersionResponse(version=self.version)

    def alloc_timestamp(self, request):
        return milvus.AllocTimestampResponse(timestamp=1)

    def create_collection(self, request):
        schema = schemas.CollectionSchema.FromString(request.schema)
        if not self.keeps_structs:
            del schema.struct_array_fields[:]  # as old servers do, without a word
        for field in schema.struct_array_fields:
            if not 0 < params_of(field.fields[0])["max_capacity"] <= 4096:
                raise RefusedError(
                    INVALID, "the maximum capacity specified for a Array should be in (0, 4096]"
                )
            for part in field.fields:
                part.name = full_name(field, part)
        self.collections[request.collection_name] = Collection(request, schema)
        return common.Status()

    def drop_collection(self, request):
        self.collections.pop(request.collection_name, None)
        return common.Status()

    def has_collection(self, request):
        return milvus.BoolResponse(value=request.collection_name in self.collections)

    def describe_collection(self, request):
        collection = self._named(request)
        properties = [
            common.KeyValuePair(key=key, value=value) for key, value in collection.properties.items()
        ]
        return milvus.DescribeCollectionResponse(
            schema=collection.schema,
            collectionID=1,
            collection_name=request.collection_name,
            properties=properties,
            consistency_level=collection.consistency,
        )

    def alter_collection(self, request):
        properties = self._named(request).properties
        properties.update({pair.key: pair.value for pair in request.properties})
        for key in request.delete_keys:
            properties.pop(key, None)
        return common.Status()

    def create_index(self, request):
        params = {pair.key: pair.value for pair in request.extra_params}
        self._named(request).indexes[request.field_name] = params
        return common.Status()

    def describe_index(self, request):
        found = [
            milvus.IndexDescription(
                index_name=name,
                field_name=name,
                state=common.Finished,
                params=[common.KeyValuePair(key=key, value=value) for key, value in params.items()],
            )
            for name, params in self._named(request).indexes.items()
            if request.index_name in ("", name)
        ]
        return milvus.DescribeIndexResponse(index_descriptions=found)

    def load_collection(self, request):
        collection = self._named(request)
        kinds = (schemas.FloatVector, schemas.SparseFloatVector)
        vectors = [f.name for f in collection.schema.fields if f.data_type in kinds]
        vectors += [p.name for f in collection.schema.struct_array_fields for p in f.fields if is_vector(p)]
        for name in vectors:
            if name not in collection.indexes:
                raise RefusedError(
                    700, f"there is no vector index on field: [{name}], please create index firstly"
                )
        collection.loaded = True
        return common.Status()

    def get_loading_progress(self, request):
        return milvus.GetLoadingProgressResponse(progress=100, refresh_progress=100)

    def flush(self, request):
        return milvus.FlushResponse()

    def get_flush_state(self, request):
        return milvus.GetFlushStateResponse(flushed=True)

    def insert(self, request):
        return self._write(request)

    def upsert(self, request):
        return self._write(request)

    def _write(self, request):
        collection = self._named(request)
        rows = collection.read(request)
        collection.rows |= {row[collection.key]: row for row in rows}
        keys = ids_of([row[collection.key] for row in rows])
        return milvus.MutationResult(IDs=keys, insert_cnt=len(rows), upsert_cnt=len(rows))

    def delete(self, request):
        collection = self._named(request)
        gone = [row[collection.key] for row in collection.kept(request.expr)]
        for key in gone:
            del collection.rows[key]
        return milvus.MutationResult(IDs=ids_of(gone), delete_cnt=len(gone))

    def query(self, request):
        collection = self._searched(request)
        params = {pair.key: pair.value for pair in request.query_params}
        limit, offset = int(params.get("limit", -1)), int(params.get("offset", 0))
        if limit == -1 and not request.expr and "count(*)" not in request.output_fields:
            raise RefusedError(INVALID, "empty expression should be used with limit")
        if limit + offset > WINDOW:
            raise RefusedError(
                FAILED, f"invalid max query result window, (offset+limit) should be in range [1, {WINDOW}]"
            )
        rows = collection.kept(request.expr)
        if "count(*)" in request.output_fields:
            total = schemas.FieldSchema(name="count(*)", data_type=schemas.Int64)
            return milvus.QueryResults(fields_data=[write_column(total, [len(rows)])])
        rows = rows[offset:] if limit == -1 else rows[offset : offset + limit]
        names = {*request.output_fields, collection.key}
        return milvus.QueryResults(
            fields_data=list(collection.columns(rows, names)),
            output_fields=list(request.output_fields),
            primary_field_name=collection.key,
            session_ts=1,
        )

    def search(self, request):
        collection = self._searched(request)
        params = {pair.key: pair.value for pair in request.search_params}
        limit, offset = int(params["topk"]), int(params.get("offset", 0))
        if not 0 < limit + offset <= WINDOW:
            raise RefusedError(
                FAILED, f"(offset+limit) should be in range [1, {WINDOW}], but got {limit + offset}"
            )
        name, rows = params["anns_field"], collection.kept(request.dsl)
        metric = collection.indexes[name]["metric_type"]
        if params.get("metric_type", metric) != metric:
            raise RefusedError(
                INVALID, f"metric type not match: expected {metric}, got {params['metric_type']}"
            )
        if name in collection.made:
            scores = [_bm25(text, rows, list(collection.rows.values())) for text in _texts(request)]
        else:
            struct, part = name.rstrip("]").split("[")
            dim = next(params_of(field)["dim"] for field in collection.every_field() if field.name == name)
            pages = [row[struct][part] for row in rows]
            scores = [_max_sim(query, pages, metric) for query in _embedding_lists(request, dim)]
        found = [_best(each, limit + offset, metric)[offset:] for each in scores]
        hits = [rows[position] for answer in found for position, _ in answer]
        names = set(request.output_fields)
        results = schemas.SearchResultData(
            num_queries=request.nq,
            top_k=limit,
            scores=[score for answer in found for _, score in answer],
            ids=ids_of([row[collection.key] for row in hits]),
            topks=[len(answer) for answer in found],
            fields_data=list(collection.columns(hits, names)) if names else [],
            output_fields=list(request.output_fields),
            primary_field_name=collection.key,
        )
        return milvus.SearchResults(results=results)


def _answering(method, response):
    """A service's method of the form gRPC calls."""

    def answer(stub, request, context):
        stub.requests.append(request)
        try:
            if method in stub.fail:
                raise stub.fail[method]
            return getattr(stub, method)(request)
        except (
            Exception
        ) as error:  # what gRPC itself answers with, the client takes for a network's fault and tries again
            refused = (
                error
                if isinstance(error, RefusedError)
                else RefusedError(FAILED, f"the stub failed: {error!r}")
            )
            return response(status=refused.status) if response else refused.status

    return answer


def _snake(name):
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


for _method in milvus.DESCRIPTOR.services_by_name["MilvusService"].methods:
    if hasattr(Stub, _snake(_method.name)):
        _response = getattr(milvus, _method.output_type.name, None)
        setattr(Stub, _method.name, _answering(_snake(_method.name), _response))


@contextmanager
def serving(version="v2.6.9"):
    """A stub that listens on the loopback, at its ``uri``."""
    stub = Stub(version)
    server = grpc.server(
        futures.ThreadPoolExecutor(4),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", -1),
            (
                "grpc.keepalive_permit_without_calls",
                1,
            ),  # pymilvus pings a connection that rests, as Milvus lets it
            ("grpc.http2.min_ping_interval_without_data_ms", 1000),
            ("grpc.http2.max_ping_strikes", 0),
        ],
    )
    services.add_MilvusServiceServicer_to_server(stub, server)
    stub.uri = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield stub
    finally:
        server.stop(0).wait()


# Search --------------------------------------------------------------------------------------------------


_PLACEHOLDERS = {
    common.EmbListFloatVector: lambda value: np.frombuffer(value, "<f4"),
    common.EmbListFloat16Vector: lambda value: np.frombuffer(value, "<f2").astype(np.float32),
    common.EmbListBFloat16Vector: bfloat16_to_float,
}


def _embedding_lists(request, dim):
    group = common.PlaceholderGroup.FromString(request.placeholder_group)
    (placeholder,) = group.placeholders
    if placeholder.type not in _PLACEHOLDERS or len(placeholder.values) != request.nq:
        raise RefusedError(INVALID, f"PlaceholderValue type {placeholder.type} not supported")
    queries = [_PLACEHOLDERS[placeholder.type](value) for value in placeholder.values]
    if any(not len(query) or len(query) % dim for query in queries):
        raise RefusedError(INVALID, f"vector dimension mismatch, expected vector size(byte) {dim * 4}")
    return [query.reshape(-1, dim) for query in queries]


def _texts(request):
    group = common.PlaceholderGroup.FromString(request.placeholder_group)
    return [value.decode() for value in group.placeholders[0].values]


def _max_sim(query, pages, metric):
    """The score of each page, by its position."""
    scores = {}
    for position, vectors in enumerate(pages):
        tokens = query
        if metric == "MAX_SIM_COSINE":
            vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
            tokens = query / np.linalg.norm(query, axis=1, keepdims=True)
        if metric == "MAX_SIM_L2":  # less is better
            squares = ((tokens[:, None] - vectors[None]) ** 2).sum(axis=2)
            scores[position] = float(squares.min(axis=1).sum())
        else:
            scores[position] = float((tokens @ vectors.T).max(axis=1).sum())
    return scores


def _bm25(query, rows, everything):
    """The score of each page that holds a word of the query, by its position."""
    counts = [Counter(_words(row["text"])) for row in everything]
    mean = sum(count.total() for count in counts) / max(1, len(counts))
    scores = Counter()
    for word in set(_words(query)):
        holding = sum(word in count for count in counts)
        rarity = math.log(1 + (len(counts) - holding + 0.5) / (holding + 0.5))
        for position, row in enumerate(rows):
            count = Counter(_words(row["text"]))
            if count[word]:
                length = 1.2 * (0.25 + 0.75 * count.total() / mean)
                scores[position] += rarity * count[word] * 2.2 / (count[word] + length)
    return scores


def _words(text):
    return re.findall(r"\w+", text.lower())


def _best(scores, limit, metric):
    return sorted(scores.items(), key=lambda item: item[1] if metric.endswith("L2") else -item[1])[:limit]
