"""How fast do page pictures become vectors: against the obvious loop, on a full-size model, and for hours on end?

::

    python benchmarks/bench_encoding.py                    # a tiny ColPali on the CPU, beside the obvious loop
    python benchmarks/bench_encoding.py --full-size cuda   # a 3B ColPali with random weights, batch sizes 1 to 64
    python benchmarks/bench_encoding.py --steady 10000     # memory, every 100 pages

The obvious loop is what the model cards show: a DataLoader, one page at a time, a pass for the embeddings and another
for the hidden states. The tiny checkpoint is the tests'; ratios taken on it say nothing about real weights.
"""

import argparse
import gc
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
from measure import HERE, save
from PIL import Image, ImageDraw

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(HERE.parent / "tests" / "encoders" / "checkpoints"))

import opened
import tiny
import torch
import transformers

from maxsight.encoders.base import EncoderOptions, Precision
from maxsight.encoders.checkpoints.checkpoint import Family
from maxsight.encoders.checkpoints.visual import VisualEncoder
from maxsight.pictures import fit_picture

PAGE_PX = 1700, 2200
TFLOP_PER_PAGE = 5.22
"""Of a full-size ColPali: vision model 0.97, language model 4.24, projection 0.005."""
TFLOP_PER_SECOND = 790
"""Of dense bfloat16 products on the GPU the goal was set for."""
FULL_SIZES = (1, 2, 4, 8, 16, 32, 64)
ROUNDS = 15


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--full-size", metavar="DEVICE", help="run the full-size model on this device")
    parser.add_argument("--steady", metavar="PAGES", type=int, help="watch the memory over so many pages")
    parser.add_argument(
        "--kind", choices=opened.NATIVE, default="colpali", help="the tiny checkpoint for --steady"
    )
    given = parser.parse_args()
    if given.full_size:
        save("encoding-full-size", full_size(given.full_size))
    elif given.steady:
        save(f"encoding-steady-{given.kind}", steady(given.kind, given.steady))
    else:
        save("encoding-tiny", against_the_loop())


def against_the_loop(pages=8):
    """CPU time per page of the obvious loop and of ours, both outputs, on one thread."""
    torch.set_num_threads(1)
    images = [text_page(seed) for seed in range(pages)]
    figures = {"pages": pages, "pixels of a page": f"{PAGE_PX[0]} x {PAGE_PX[1]}", "rounds": ROUNDS}
    with tempfile.TemporaryDirectory() as folder:
        files = saved_as_png(images, Path(folder))
        for hidden in (64, 2048):
            checkpoint = tiny_colpali(hidden)
            for source, name in ((images, "pictures in memory"), (files, "PNG files")):
                figures[f"hidden size {hidden}, {name}"] = compare(checkpoint, source)
    return figures


def compare(checkpoint, source):
    """Take turns, and keep the least of each: others may be using the machine."""
    encoder, loop, ours = checkpoint.encoder(batch_size=None), [], []
    for _ in range(ROUNDS):
        loop.append(cpu_ms(lambda: obvious_loop(checkpoint, source)) / len(source))
        ours.append(cpu_ms(lambda: encode(encoder, source)) / len(source))
    return {
        "loop, CPU ms a page": round(min(loop), 1),
        "ours, CPU ms a page": round(min(ours), 1),
        "times less": round(min(loop) / min(ours), 2),
    }


def obvious_loop(checkpoint, source):
    """One page at a time through the public classes, twice."""

    def prepare(batch):
        return checkpoint.processor.process_images(images=[as_image(item) for item in batch])

    taken = []
    with torch.no_grad():
        for batch in torch.utils.data.DataLoader(source, batch_size=1, collate_fn=prepare):
            vectors = checkpoint.model(**batch).embeddings
            hidden = checkpoint.model.vlm(**batch, output_hidden_states=True).hidden_states[-1]
            taken.append((vectors.float().numpy(), hidden.float().numpy()))
    return taken


def encode(encoder, source):
    """Both outputs, by ours. Pictures are fitted one by one where pages are read, and encoded in calls of like size."""
    pages = [opened.page_of(fit_picture(as_image(item), encoder.picture)) for item in source]
    step = encoder.batch_size
    return [
        encoder.encode_pages_with_hidden(pages[start : start + step]) for start in range(0, len(pages), step)
    ]


def full_size(device, model=None, processor=None, sizes=FULL_SIZES, pages=256):
    """Pages per second at each batch size: the model alone on fitted pictures, and from PNG files end to end."""
    model, processor = (model, processor) if model else full_size_colpali(device)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    figures = {"device": device_name(device), "parameters, millions": round(parameters / 1e6), "pages": pages}
    checkpoint = opened.checkpoint_of(Family.COLPALI, "native", model, processor)
    with tempfile.TemporaryDirectory() as folder:
        files = saved_as_png([text_page(seed) for seed in range(16)], Path(folder)) * (pages // 16)
        for size in sizes:
            encoder = VisualEncoder(
                checkpoint, EncoderOptions((device,), Precision.BFLOAT16, batch_size=size)
            )
            figures[f"batch size {size}"] = pages_per_second(encoder, files)
    return figures


def pages_per_second(encoder, files):
    fitted = [opened.page_of(fitted_picture(encoder, file)) for file in files]
    encoder.encode_pages(fitted[: encoder.batch_size])
    model = len(files) / wall_s(lambda: encoder.encode_pages(fitted))
    whole = len(files) / wall_s(lambda: encode_files(encoder, files))
    return {
        "pages/s, model": round(model, 1),
        "share of the limit": round(model * TFLOP_PER_PAGE / TFLOP_PER_SECOND, 3),
        "pages/s, from PNG": round(whole, 1),
        "share of the limit, from PNG": round(whole * TFLOP_PER_PAGE / TFLOP_PER_SECOND, 3),
    }


def encode_files(encoder, files):
    """Decode and fit in threads while the model computes what came before."""
    step = encoder.batch_size
    with ThreadPoolExecutor(os.cpu_count()) as readers, ThreadPoolExecutor(1) as model:
        read = readers.map(lambda file: opened.page_of(fitted_picture(encoder, file)), files)
        calls = []
        while pages := list(islice(read, step)):
            calls.append(model.submit(encoder.encode_pages, pages))
        return [embedding for call in calls for embedding in call.result()]


def full_size_colpali(device):
    """ColPali as it is published, but for its weights, which are random."""
    _, processor = tiny.colpali()
    backbone = transformers.PaliGemmaConfig(
        vision_config=dict(
            model_type="siglip_vision_model", hidden_size=1152, intermediate_size=4304, num_hidden_layers=27,
            num_attention_heads=16, image_size=448, patch_size=14, projection_dim=2048, vision_use_head=False,
        ),
        text_config=dict(
            model_type="gemma", vocab_size=257_216, hidden_size=2048, intermediate_size=16_384,
            num_hidden_layers=18, num_attention_heads=8, num_key_value_heads=1, head_dim=256,
        ),
        image_token_index=processor.image_token_id, projection_dim=2048,
        pad_token_id=0, bos_token_id=2, eos_token_id=1,
    )  # fmt: skip
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            config = transformers.ColPaliConfig(vlm_config=backbone, embedding_dim=128)
            return transformers.ColPaliForRetrieval(config).eval(), processor
    finally:
        torch.set_default_dtype(default)


def steady(kind, pages, every=100, settled=200):
    """Resident memory while pages of many shapes stream through a tiny checkpoint on the CPU."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        tiny.save(kind, Path(folder))
        encoder = opened.open_native(kind, Path(folder)).encoder(batch_size=None)
        random, process, samples = np.random.default_rng(0), psutil.Process(), []
        for start in range(0, pages, every):
            for _ in range(0, every, 10):
                shapes = random.integers(300, 900, (10, 2))
                encoder.encode_pages_with_hidden(
                    [opened.page_of(opened.page_image(start, tuple(map(int, shape)))) for shape in shapes]
                )
            gc.collect()
            samples.append(round(process.memory_info().rss / 1e6, 1))
    after = samples[settled // every - 1 :]
    fifth = max(1, len(after) // 5)
    return {
        "pages": pages,
        f"MB after {settled} pages": after[0],
        "MB at the end": after[-1],
        "MB at most": max(after),
        "MB, median of the first and the last fifth": [
            round(float(np.median(part)), 1) for part in (after[:fifth], after[-fifth:])
        ],
        "MB, every tenth sample": after[::10],
    }


def tiny_colpali(hidden):
    with tempfile.TemporaryDirectory() as folder:
        model, processor = tiny.colpali(hidden)
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        return opened.open_native("colpali", folder)


def text_page(seed):
    """A page of 12 words a line, in the resolution of a scan."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", PAGE_PX, "white")
    draw = ImageDraw.Draw(image)
    for top in range(120, PAGE_PX[1] - 120, 48):
        words = ("".join(map(chr, random.integers(97, 123, random.integers(2, 9)))) for _ in range(12))
        draw.text((100, top), " ".join(words), fill="black", font_size=32)
    x, y = map(int, random.integers(100, 800, 2))
    draw.rectangle((x, y, x + 600, y + 400), fill=tuple(map(int, random.integers(0, 256, 3))))
    return image


def saved_as_png(images, folder):
    files = [folder / f"{number}.png" for number in range(len(images))]
    for image, file in zip(images, files, strict=True):
        image.save(file)
    return files


def as_image(item):
    return item if isinstance(item, Image.Image) else Image.open(item)  # saved as RGB


def fitted_picture(encoder, file):
    return fit_picture(as_image(file), encoder.picture)


def cpu_ms(work):
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def wall_s(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def device_name(device):
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


if __name__ == "__main__":
    main()
