"""The index of a collection's vectors: how one is asked for, and how one is searched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maxsight.stores.addresses import MilvusAddress
from maxsight.stores.milvus.connection import Connection

MIN_EF, MAX_EF = 200, 32_768
MIN_CLUSTERS_SEARCHED, SHARE_OF_CLUSTERS = 16, 8

_SCALAR_QUANTISED = ("SQ6", "SQ8", "BF16", "FP16")
"""Of HNSW, in the names that an address has: ``HNSW_SQ8``. Milvus calls the index ``HNSW_SQ``."""

_QUANTISED = ("SQ", "PQ", "PRQ", "RABITQ", "SCANN")


def ask_for_index(address: MilvusAddress, default: str) -> dict[str, Any]:
    """Write the type and the parameters of the index that an address asks for."""
    name = address.index or default
    kind, _, quantised = name.rpartition("_")
    params: dict[str, Any] = {}
    if name.startswith("HNSW"):
        params = {"M": address.m, "efConstruction": address.ef_construction}
    elif name.startswith(("IVF", "SCANN")):
        params = {"nlist": address.nlist}
    if kind == "HNSW" and quantised in _SCALAR_QUANTISED:
        return {"index_type": "HNSW_SQ", "params": params | {"sq_type": quantised}}
    return {"index_type": name, "params": params}


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """An index that exists.

    Attributes:
        kind: Its type, as the server writes it.
        metric: Its metric, as the server writes it.
        nlist: The number of clusters of an IVF index; 0 for another.
    """

    kind: str
    metric: str
    nlist: int

    @classmethod
    def read(cls, connection: Connection, collection: str, field: str) -> VectorIndex | None:
        """Read the index of a field; None if it has none."""
        names = connection.call("list_indexes", collection, field_name=field)
        if not names:
            return None
        found = connection.call("describe_index", collection, names[0])
        return cls(str(found["index_type"]), str(found["metric_type"]), int(found.get("nlist", 0)))

    @property
    def quantised(self) -> bool:
        """Whether it compares codes, so that its similarities are estimates."""
        return any(part in self.kind for part in _QUANTISED)

    def search_params(self, hits: int) -> dict[str, int]:
        """Choose how many vectors a search compares for so many hits."""
        if self.kind.startswith("HNSW"):
            return {"ef": min(max(hits, MIN_EF), MAX_EF)}
        if self.nlist:
            return {"nprobe": min(self.nlist, max(MIN_CLUSTERS_SEARCHED, self.nlist // SHARE_OF_CLUSTERS))}
        return {"search_list": hits} if self.kind == "DISKANN" else {}
