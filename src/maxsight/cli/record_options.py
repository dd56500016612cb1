"""The fields of records: the options of ``index`` that make documents of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.options import Command, add_options

if TYPE_CHECKING:
    from maxsight.documents import RecordFields
    from maxsight.encoders import Encoder, EncoderOptions


def record_options(command: Command) -> Callable[..., Any]:
    """Add ``--group-by``, ``--text-field``, ``--vector-field`` and ``--metadata-field``.

    The command gets one argument for all of them, ``records``: None without files of records.
    """

    @wraps(command)
    def with_records(**given: Any) -> Any:
        return command(records=_take_records(given), **given)

    return add_options(
        with_records,
        click.option(
            "--group-by",
            metavar="FIELD",
            help="PATH is JSON Lines, CSV or Parquet. Records with the same value in this field are one document.",
        ),
        click.option(
            "--text-field",
            metavar="FIELD",
            help="Field with the text of a record: one paragraph, or several.",
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
            help="Field of the records for --filter; may be given several times.",
        ),
    )


def encoder_of_records(
    records: RecordFields, paths: list[str], name: str | None, options: EncoderOptions
) -> Encoder:
    """Choose the encoder of a new library of records. By default it has one vector a paragraph.

    Args:
        records: The fields of the records. Their own vectors need no encoder.
        paths: Files of records.
        name: The encoder that the user names.
        options: How it runs.

    Raises:
        UnreadableDocumentError: The records have no vectors.
        ModelNotAvailableError: There is no such encoder.
    """
    from maxsight.documents.records.fields import vector_dim
    from maxsight.encoders import PARAGRAPHS, Precomputed, is_precomputed, load_encoder

    if records.vector is not None and (name is None or is_precomputed(name)):
        dim = vector_dim(Path(paths[0]), records)
        return Precomputed(dim, name) if name else Precomputed(dim)
    return load_encoder(name or PARAGRAPHS, options)


def _take_records(given: dict[str, Any]) -> RecordFields | None:
    group_by, text = given.pop("group_by"), given.pop("text_field")
    vector, metadata = given.pop("vector_field"), given.pop("metadata_field")
    if group_by is None and text is None:
        if vector or metadata:
            raise click.UsageError("--vector-field and --metadata-field need --group-by and --text-field.")
        return None
    if group_by is None or text is None:
        raise click.UsageError("Give --group-by and --text-field together.")
    from maxsight.documents import RecordFields

    return RecordFields(group_by, text, vector, metadata, made_by=given["encoder"])
