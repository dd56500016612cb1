"""What the fields of records mean: the options of ``index`` that make documents of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from maxsight.documents import RecordFields
    from maxsight.encoders import Encoder, EncoderOptions

Command = TypeVar("Command", bound=Callable[..., Any])


def record_options(command: Command) -> Command:
    """Add ``--group-by``, ``--text-field``, ``--vector-field`` and ``--metadata-field``.

    The command takes what they come to as one argument, ``records``: None where no files of records are meant.
    """

    @wraps(command)
    def with_records(**given: Any) -> Any:
        return command(records=_taken_from(given), **given)

    decorated: Any = with_records
    for name, text in (
        ("--metadata-field", "Field of the records to filter by; may be given several times."),
        ("--vector-field", "Field with vectors that came with the records, one for each text or paragraph."),
        ("--text-field", "Field with the text of a record: one paragraph, or several."),
        (
            "--group-by",
            "PATH is JSON Lines, CSV or Parquet: records of one value in this field are one document.",
        ),
    ):
        several = {"multiple": True} if name == "--metadata-field" else {}
        decorated = click.option(name, metavar="FIELD", help=text, **several)(decorated)  # type: ignore[arg-type]
    return cast(Command, decorated)


def encoder_of_records(
    records: RecordFields, paths: list[str], name: str | None, options: EncoderOptions
) -> Encoder:
    """The encoder of a new library of records: as named, else one vector a paragraph, given or made here.

    Raises:
        UnreadableDocumentError: There are no vectors to take.
        ModelNotAvailableError: There is no such encoder.
    """
    from maxsight.documents.records.fields import vector_dim
    from maxsight.encoders import PARAGRAPHS, Precomputed, is_precomputed, load_encoder

    if records.vector is not None and (name is None or is_precomputed(name)):
        dim = vector_dim(Path(paths[0]), records)
        return Precomputed(dim, name) if name else Precomputed(dim)
    return load_encoder(name or PARAGRAPHS, options)


def _taken_from(options: dict[str, Any]) -> RecordFields | None:
    group_by, text = options.pop("group_by"), options.pop("text_field")
    vector, metadata = options.pop("vector_field"), options.pop("metadata_field")
    if group_by is None and text is None:
        if vector or metadata:
            raise click.UsageError("--vector-field and --metadata-field go with --group-by and --text-field.")
        return None
    if group_by is None or text is None:
        raise click.UsageError("Give --group-by and --text-field together.")
    from maxsight.documents import RecordFields

    return RecordFields(group_by, text, vector, metadata, made_by=options["encoder"])
