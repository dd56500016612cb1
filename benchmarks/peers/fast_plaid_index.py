"""fast-plaid on the CPU: PLAID's centroids and residuals of four bits."""

import torch
from fast_plaid import search as plaid
from peer import answer

LADDER = ((8, 256), (8, 1024), (32, 4096))
"""Clusters probed, and pages scored in full."""


def build(pages, folder):
    embeddings = [torch.from_numpy(page.astype("float32")) for page in pages]
    plaid.FastPlaid(index=str(folder / "index"), device="cpu").create(documents_embeddings=embeddings)


def settings(pages, folder):
    index = plaid.FastPlaid(index=str(folder / "index"), device="cpu")
    for probes, scored in LADDER:

        def search(query, probes=probes, scored=scored):
            (found,) = index.search(
                torch.from_numpy(query)[None],
                top_k=10,
                n_ivf_probe=probes,
                n_full_scores=scored,
                show_progress=False,
            )
            return [page for page, _ in found]

        yield f"n_ivf_probe {probes}, n_full_scores {scored}", search


if __name__ == "__main__":
    answer("fast-plaid", build, settings)
