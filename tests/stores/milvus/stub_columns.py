"""Columns as Milvus sends and takes them, to plain values and arrays and back, checked as a server checks them."""

import json

import numpy as np
from pymilvus.grpc_gen import common_pb2 as common
from pymilvus.grpc_gen import schema_pb2 as schemas

JSON_BYTES = 65_536
NOT_FOUND, NOT_LOADED, NO_INDEX, INVALID, FAILED = 100, 101, 700, 1100, 65535

_SCALARS = {
    schemas.VarChar: "string_data",
    schemas.Int64: "long_data",
    schemas.Int32: "int_data",
    schemas.Int16: "int_data",
    schemas.Int8: "int_data",
    schemas.Bool: "bool_data",
    schemas.Float: "float_data",
    schemas.Double: "double_data",
    schemas.JSON: "json_data",
}


class RefusedError(Exception):
    """A request that a server answers with an error."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.status = common.Status(code=code, reason=reason, error_code=common.UnexpectedError)


def params_of(field):
    return {pair.key: int(pair.value) for pair in field.type_params if pair.value.isdigit()}


def is_vector(field):
    return field.data_type == schemas.ArrayOfVector


def full_name(struct, part):
    return part.name if part.name.startswith(f"{struct.name}[") else f"{struct.name}[{part.name}]"


def _part_name(part):
    return part.name.rstrip("]").rpartition("[")[2]


def read_column(field, data):
    if field.data_type == schemas.FloatVector:
        dim = params_of(field)["dim"]
        vectors = np.array(data.vectors.float_vector.data, np.float32)
        if data.vectors.dim != dim or len(vectors) % dim or not np.isfinite(vectors).all():
            raise RefusedError(INVALID, f"vectors of {field.name} are not finite or not of {dim} dimensions")
        return list(vectors.reshape(-1, dim))
    values = list(getattr(data.scalars, _SCALARS[field.data_type]).data)
    if field.data_type == schemas.VarChar:
        longest = params_of(field)["max_length"]
        if any(len(value.encode()) > longest for value in values):
            raise RefusedError(INVALID, f"length of varchar field {field.name} exceeds max length {longest}")
    if field.data_type == schemas.JSON:
        if any(len(value) > JSON_BYTES for value in values):
            raise RefusedError(INVALID, f"length of json field {field.name} exceeds max length {JSON_BYTES}")
        for value in values:
            json.loads(value)
        values = [value.decode() for value in values]
    return values


def read_structs(field, data):
    given = {_part_of(item): item for item in data.struct_arrays.fields}
    parts = {_part_name(part): part for part in field.fields}
    if set(given) != set(parts):
        raise RefusedError(
            INVALID, f"parts {sorted(set(given) ^ set(parts))} of {field.name} missing or unknown"
        )
    columns = {name: _array_column(parts[name], given[name]) for name in parts}
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for row in rows:
        counts = {len(values) for values in row.values()}
        capacity = params_of(field.fields[0])["max_capacity"]
        if len(counts) != 1 or not 0 < max(counts) <= capacity:
            raise RefusedError(INVALID, f"array length {sorted(counts)} of {field.name} not in 1..{capacity}")
    return rows


def _part_of(data):
    return data.field_name.rstrip("]").rpartition("[")[2]


def _array_column(part, data):
    if not is_vector(part):
        return [
            list(getattr(item, _SCALARS[part.element_type]).data) for item in data.scalars.array_data.data
        ]
    dim, array = params_of(part)["dim"], data.vectors.vector_array
    if array.dim != dim or array.element_type != part.element_type:
        raise RefusedError(INVALID, f"vectors of {part.name} have {array.dim} dimensions, expected {dim}")
    rows = [flat_vectors(item) for item in array.data]
    if any(len(row) % dim or not np.isfinite(row).all() for row in rows) or any(
        item.dim != dim for item in array.data
    ):
        raise RefusedError(INVALID, f"vectors of {part.name} are not finite or not of {dim} dimensions")
    return [row.reshape(-1, dim) for row in rows]


def flat_vectors(item):
    """The values of vectors of any kind, one after the other."""
    match item.WhichOneof("data"):
        case "float16_vector":
            return np.frombuffer(item.float16_vector, "<f2").astype(np.float32)
        case "bfloat16_vector":
            return bfloat16_to_float(item.bfloat16_vector)
    return np.array(item.float_vector.data, np.float32)


def bfloat16_to_float(data):
    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")


def _fill_vectors(item, vectors, kind):
    match kind:
        case schemas.Float16Vector:
            item.float16_vector = vectors.astype("<f2").tobytes()
        case schemas.BFloat16Vector:
            item.bfloat16_vector = (vectors.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        case _:
            item.float_vector.data.extend(vectors.reshape(-1).tolist())


def write_column(field, values):
    data = schemas.FieldData(type=field.data_type, field_name=field.name, field_id=field.fieldID)
    if field.data_type == schemas.FloatVector:
        data.vectors.dim = params_of(field)["dim"]
        data.vectors.float_vector.data.extend(np.concatenate([np.empty(0, np.float32), *values]).tolist())
        return data
    if field.data_type == schemas.JSON:
        values = [value.encode() for value in values]
    getattr(data.scalars, _SCALARS[field.data_type]).data.extend(values)
    return data


def write_structs(field, parts, rows):
    data = schemas.FieldData(type=schemas.ArrayOfStruct, field_name=field.name, field_id=field.fieldID)
    for part in parts:
        item = data.struct_arrays.fields.add(type=part.data_type, field_name=part.name, field_id=part.fieldID)
        values = [row[_part_name(part)] for row in rows]
        if is_vector(part):
            dim = params_of(part)["dim"]
            item.vectors.dim = item.vectors.vector_array.dim = dim
            item.vectors.vector_array.element_type = part.element_type
            for vectors in values:
                _fill_vectors(item.vectors.vector_array.data.add(dim=dim), vectors, part.element_type)
        else:
            item.scalars.array_data.element_type = part.element_type
            for array in values:
                getattr(item.scalars.array_data.data.add(), _SCALARS[part.element_type]).data.extend(array)
    return data


def ids_of(keys):
    if keys and isinstance(keys[0], int):
        return schemas.IDs(int_id=schemas.LongArray(data=keys))
    return schemas.IDs(str_id=schemas.StringArray(data=keys))
