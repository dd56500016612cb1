"""How ``--device`` and the other options of encoders are read."""

import click
import pytest
from click.testing import CliRunner

from maxsight.cli.encoder_options import encoder_options
from maxsight.encoders import EncoderOptions, Precision


def options_of(*arguments):
    """The options as a command is given them, or what is said to a user."""
    taken = []

    @click.command()
    @encoder_options
    def command(encoder_options):
        taken.append(encoder_options)

    result = CliRunner().invoke(command, arguments)
    return taken[0] if taken else result.stderr


@pytest.fixture(autouse=True)
def no_device_is_chosen(monkeypatch):
    monkeypatch.delenv("MAXSIGHT_DEVICE", raising=False)


def test_nothing_given_leaves_everything_to_the_machine():
    assert options_of() == EncoderOptions(("auto",), Precision.AUTO, None, trust_remote_code=False)


def test_all_can_be_given():
    given = ("--device", "cuda:1", "--dtype", "bfloat16", "--batch-size", "8", "--trust-remote-code")
    assert options_of(*given) == EncoderOptions(("cuda:1",), Precision.BFLOAT16, 8, trust_remote_code=True)


@pytest.mark.parametrize(
    ("given", "devices"),
    [("0,1,2,3", ("cuda:0", "cuda:1", "cuda:2", "cuda:3")), ("cuda:1, cpu", ("cuda:1", "cpu")), ("mps", ("mps",))],
)  # fmt: skip
def test_several_devices_are_named_by_number_or_name(given, devices):
    assert options_of("--devices", given).devices == devices


def test_the_environment_chooses_unless_an_option_does(monkeypatch):
    monkeypatch.setenv("MAXSIGHT_DEVICE", "cuda:0,cuda:1")
    assert options_of().devices == ("cuda:0", "cuda:1")
    monkeypatch.setenv("MAXSIGHT_DEVICE", " 0, 1,")
    assert options_of().devices == ("cuda:0", "cuda:1")
    assert options_of("--device", "cpu").devices == ("cpu",)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--device", "gpu"), "'gpu' is not one of auto, cuda, cuda:1, mps, cpu"),
        (("--device", "cuda:one"), "'cuda:one' is not one of"),
        (("--device", "0,1"), "use --devices"),
        (("--devices", "0,,1"), "'' is not one of"),
        (("--device", "cpu", "--devices", "0"), "not both"),
        (("--batch-size", "many"), "neither auto nor a number of pages"),
        (("--batch-size", "0"), "neither auto nor a number of pages"),
        (("--dtype", "int8"), "int8"),
    ],
)
def test_what_makes_no_sense_is_said(arguments, says):
    assert says in " ".join(options_of(*arguments).split())
