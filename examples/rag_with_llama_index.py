"""Answers from the sample documents with LlamaIndex. The model is a fake: put an LLM of yours in its place.

pip install 'maxsight[llama-index]'
python examples/rag_with_llama_index.py
"""

import sys
from pathlib import Path

from llama_index.core.llms import MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.vector_stores import MetadataFilters

from maxsight import Library
from maxsight.integrations.llama_index import MaxSightRetriever

QUESTION = "How tight should the bolts that hold the compressor be?"
DOCUMENTS = Path(__file__).parent / "documents"

place = Path(sys.argv[1] if len(sys.argv) > 1 else "examples.library")
with Library.open(place, create=True) as library:
    library.index(DOCUMENTS)

manuals = MetadataFilters.from_dicts([{"key": "file", "operator": "text_match", "value": "manual"}])
retriever = MaxSightRetriever(str(place), similarity_top_k=2, filters=manuals)
engine = RetrieverQueryEngine.from_args(retriever, llm=MockLLM())

answer = engine.query(QUESTION)
print(answer)
for source in answer.source_nodes:
    page = source.node.metadata
    print(f"  {page['file']}, page {page['page_number']}, score {source.score:.2f}: {page['snippet']}")
