"""Answers from the sample documents with LangChain. The model is a fake: put a chat model of yours in its place.

pip install 'maxsight[langchain]'
python examples/rag_with_langchain.py
"""

import sys
from pathlib import Path

from langchain_core.language_models import FakeListChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough

from maxsight import Library
from maxsight.integrations.langchain import MaxSightRetriever

QUESTION = "How tight should the bolts that hold the compressor be?"
DOCUMENTS = Path(__file__).parent / "documents"


def quote(documents):
    return "\n\n".join(
        f"[{page.metadata['file']}, page {page.metadata['page_number']}]\n{page.page_content}"
        for page in documents
    )


place = Path(sys.argv[1] if len(sys.argv) > 1 else "examples.library")
with Library.open(place, create=True) as library:
    library.index(DOCUMENTS)

retriever = MaxSightRetriever(library=str(place), k=2, filter={"file": {"$like": "manual"}})
prompt = ChatPromptTemplate.from_template("Answer from these pages:\n\n{pages}\n\nQuestion: {question}")
model = FakeListChatModel(responses=["As the manual says [heat-pump-service-manual.pdf, page 6]."])
chain = {"pages": retriever | quote, "question": RunnablePassthrough()} | prompt | model | StrOutputParser()

print(chain.invoke(QUESTION))
for page in retriever.invoke(QUESTION):
    print(f"  {page.metadata['file']}, page {page.metadata['page_number']}: {page.metadata['snippet']}")
