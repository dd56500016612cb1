"""The fields of records: the options of ``index`` that make documents of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.options import Command, add_options

if TYPE_CHECKING:
    from maxsight.documents import ImageFields, RecordFields
    from maxsight.encoders import Encoder, EncoderOptions


_IMAGES_ONLY = ("document_field", "page_field", "id_field")


def record_options(command: Command) -> Callable[..., Any]:
    """Add ``--group-by``, ``--image-field`` and the names of the other fields.

    The command gets one argument for all of them, ``records``: None without data files.
    """

    @wraps(command)
    def with_records(**given: Any) -> Any:
        return command(records=_take_records(given), **given)

    return add_options(
        with_records,
        click.option(
            "--group-by",
            metavar="FIELD",
            help="PATH is JSON Lines, CSV, Parquet or Arrow. Records with the same value in this field are one "
            "document.",
        ),
        click.option(
            "--image-field",
            metavar="FIELD",
            help="PATH is such a file, or a folder of its shards, and each row is a page: the field with its image, as "
            "bytes or as the path of a file.",
        ),
        click.option(
            "--document-field",
            metavar="FIELD",
            help="Rows with the same value in this field are pages of one document. Without it, each row is one.",
        ),
        click.option(
            "--page-field",
            metavar="FIELD",
            help="Field with the number of the page in its document. Without it, rows are numbered in their order.",
        ),
        click.option(
            "--id-field",
            metavar="FIELD",
            help="Field with the row's id, which names documents without a name, and which qrels refer to.",
        ),
        click.option(
            "--text-field",
            metavar="FIELD",
            help="Field with the text of a record: one paragraph, or several. Of a page: without it, OCR reads the "
            "image.",
        ),
        click.option(
            "--vector-field",
            metavar="FIELD",
            help="Field with the records' own vectors, one for each text or paragraph.",
        ),
        click.option(
            "--metadata-field",
            metavar="FIELD",
            multiple=True,
            help="Field of the records for --filter; may be given several times. Rows with images have all short "
            "ones unless it is given.",
        ),
    )


def encoder_of_records(
    records: RecordFields | ImageFields, paths: list[str], name: str | None, options: EncoderOptions
) -> Encoder:
    """Choose the encoder of a new library of records. By default it has one vector a paragraph, but not of images.

    Args:
        records: The fields of the records. Their own vectors need no encoder.
        paths: Files of records.
        name: The encoder that the user names.
        options: How it runs.

    Raises:
        UnreadableDocumentError: The records have no vectors.
        ModelNotAvailableError: There is no such encoder.
    """
    from maxsight.documents import ImageFields
    from maxsight.documents.records.fields import vector_dim
    from maxsight.encoders import DEFAULT_ENCODER, PARAGRAPHS, Precomputed, is_precomputed, load_encoder

    if isinstance(records, ImageFields):
        return load_encoder(name or DEFAULT_ENCODER, options)
    if records.vector is not None and (name is None or is_precomputed(name)):
        dim = vector_dim(Path(paths[0]), records)
        return Precomputed(dim, name) if name else Precomputed(dim)
    return load_encoder(name or PARAGRAPHS, options)


def _take_records(given: dict[str, Any]) -> RecordFields | ImageFields | None:
    group_by, text, image = given.pop("group_by"), given.pop("text_field"), given.pop("image_field")
    vector, metadata = given.pop("vector_field"), given.pop("metadata_field")
    of_images = {name: given.pop(name) for name in _IMAGES_ONLY}
    if image is not None:
        if group_by or vector:
            raise click.UsageError("--group-by and --vector-field are not for rows with --image-field.")
        from maxsight.documents import ImageFields

        return ImageFields(
            image,
            document=of_images["document_field"],
            page=of_images["page_field"],
            text=text,
            id=of_images["id_field"],
            metadata=metadata or None,
        )
    for name, value in of_images.items():
        if value is not None:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --image-field.")
    if group_by is None and text is None:
        if vector or metadata:
            raise click.UsageError("--vector-field and --metadata-field need --group-by and --text-field.")
        return None
    if group_by is None or text is None:
        raise click.UsageError(
            "Give --group-by and --text-field together. Rows that are pages need --image-field."
        )
    from maxsight.documents import RecordFields

    return RecordFields(group_by, text, vector, metadata, made_by=given["encoder"])
