"""The network: windows of tokens in, hidden states out, by onnxruntime on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from maxsight.encoders.batching import BatchLimit, Work, pad
from maxsight.encoders.offline.tokens import Window
from maxsight.errors import EncoderError, ModelNotAvailableError

MAX_BATCH_TOKENS = 1024
"""Eight windows of 128: larger batches are no faster on a CPU and take more memory."""


class HiddenStates(Protocol):
    """A BERT without its pooling."""

    def hidden_states(self, windows: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Run windows through it. Shape ``(tokens, width)`` each."""
        ...


class Network:
    """A BERT without its pooling.

    Args:
        model_file: The ONNX graph.
        threads: Threads of one run; None lets onnxruntime take every core.
    """

    def __init__(self, model_file: Path, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        options.intra_op_num_threads = threads or 0
        # Worker processes read documents meanwhile: waiting threads must not use a core that they need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(
                str(model_file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors share no base class
            raise ModelNotAvailableError(
                f"{model_file} can't be loaded: {error}", hint="Reinstall the package it belongs to."
            ) from error

    def hidden_states(self, windows: Sequence[Window]) -> list[NDArray[np.float32]]:
        """Run windows through the network. A window's result does not depend on its batch mates.

        Returns:
            Last hidden states, one array per window, in order. Shape ``(tokens, width)``, special tokens
            included.

        Raises:
            EncoderError: The network failed, most likely because memory ran out.
        """
        states: dict[int, NDArray[np.float32]] = {}
        work, limit = Work([len(window) for window in windows]), BatchLimit(MAX_BATCH_TOKENS, len(windows))
        while batch := work.take(limit):
            ids, mask = pad([windows[index] for index in batch])
            try:
                (hidden,) = self._session.run(None, {"ids": ids, "mask": mask})
            except Exception as error:
                raise EncoderError(f"the network failed on {ids.shape} tokens: {error}") from error
            for row, index in enumerate(batch):
                states[index] = hidden[row, : len(windows[index])]
        return [states[index] for index in range(len(windows))]
