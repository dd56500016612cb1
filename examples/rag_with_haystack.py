"""Answers from the sample documents with Haystack. The model is a fake: put a generator of yours in its place.

pip install 'maxsight[haystack]'
python examples/rag_with_haystack.py
"""

import sys
from pathlib import Path

from haystack import Pipeline, component
from haystack.components.builders import PromptBuilder

from maxsight import Library
from maxsight.integrations.haystack import MaxSightRetriever

QUESTION = "How tight should the bolts that hold the compressor be?"
DOCUMENTS = Path(__file__).parent / "documents"
TEMPLATE = """Answer from these pages:
{% for page in documents %}
[{{ page.meta.file }}, page {{ page.meta.page_number }}]
{{ page.content }}
{% endfor %}
Question: {{ question }}"""


@component
class FakeGenerator:
    @component.output_types(replies=list[str])
    def run(self, prompt: str):
        return {"replies": [f"An answer from a prompt of {len(prompt.split())} words."]}


place = Path(sys.argv[1] if len(sys.argv) > 1 else "examples.library")
with Library.open(place, create=True) as library:
    library.index(DOCUMENTS)

pipeline = Pipeline()
pipeline.add_component("pages", MaxSightRetriever(str(place), top_k=2, pictures="crop"))
pipeline.add_component("prompt", PromptBuilder(TEMPLATE, required_variables=["documents", "question"]))
pipeline.add_component("model", FakeGenerator())
pipeline.connect("pages.documents", "prompt.documents")
pipeline.connect("prompt", "model")

filters = {"field": "page_number", "operator": ">=", "value": 2}
asked = {"pages": {"query": QUESTION, "filters": filters}, "prompt": {"question": QUESTION}}
found = pipeline.run(asked, include_outputs_from={"pages"})
print(found["model"]["replies"][0])
for page in found["pages"]["documents"]:
    shown = f"{len(page.blob.data):,} bytes of JPEG" if page.blob else "no picture"
    print(f"  {page.meta['file']}, page {page.meta['page_number']}, {shown}: {page.meta['snippet']}")
