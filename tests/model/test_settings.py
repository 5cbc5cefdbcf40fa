"""The settings: each refuses what it cannot use, in words that name it, its range and what came; all faults at once."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from backpass.errors import UsageError
from backpass.model.file.older_facts import SETTING_NAMES
from backpass.model.settings.constraint import Choice, Number
from backpass.model.settings.declarations import BY_NAME, SETTINGS
from backpass.model.settings.setting import Setting
from backpass.model.settings.settings import Settings
from backpass.model.settings.tuple_constraints import Widths, Wires

BREAKING = [
    pytest.param(s, value, id=f"{s.name}-{str(value)[:20]}") for s in SETTINGS for value in s.constraint.breaking()
]


def faults(**values: Any) -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        Settings.of(values)
    assert caught.value.exit_code == 2
    return caught.value.details


@pytest.mark.parametrize(("setting", "value"), BREAKING)
def test_a_value_that_cannot_be_used_is_refused(setting: Setting, value: Any) -> None:
    (fault,) = faults(**{setting.name: value})
    assert fault.startswith(f"{setting.name} must be {setting.constraint.describe()}; got {repr(value)[:100]}")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_none_is_a_value_only_where_it_is_the_default(setting: Setting) -> None:
    if setting.default is None:
        Settings.of({setting.name: None})
    else:
        (fault,) = faults(**{setting.name: None})
        assert fault.endswith("; got None")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_describes_itself(setting: Setting) -> None:
    assert setting.help
    assert setting.group in ("preset", "data", "network", "training", "decision", "engine")
    assert setting.constraint.describe()


def test_the_defaults_are_accepted() -> None:
    """Only given values are checked; ``test_presets`` checks the defaults of the other presets."""
    assert not [problem for setting in SETTINGS if (problem := setting.problem(setting.default))]


def test_the_table_and_the_class_name_the_same_settings() -> None:
    assert [*BY_NAME, "given"] == list(Settings.__dataclass_fields__)
    assert len(BY_NAME) == len(SETTINGS)


@pytest.mark.parametrize(
    ("name", "given", "meant"),
    [
        ("epochs", np.int64(5), 5),
        ("seed", np.uint8(3), 3),
        ("learning_rate", np.float32(0.5), 0.5),
        ("quantile_features", np.True_, True),
        ("preset", np.str_("fast"), "fast"),
        ("positive", np.int64(1), 1),
        ("hidden", 64, (64,)),
        ("hidden", "none", ()),
        ("hidden", range(3, 5), (3, 4)),
        ("hidden", np.array([8, 4]), (8, 4)),
        ("hidden", [np.int32(8)], (8,)),
        ("frequency_scale", 1, (1,)),
        ("frequency_scale", np.float64(0.1), (0.1,)),
        ("class_weight", {np.int64(0): 1, np.int64(1): np.float64(2.0)}, ((0, 1), (1, 2.0))),
    ],
)
def test_values_as_programs_hold_them(name: str, given: Any, meant: Any) -> None:
    """Searches draw NumPy numbers, and one layer is one number."""
    found = getattr(Settings.of({name: given}), name)
    assert found == meant
    assert type(found) is type(meant)
    assert isinstance(found, tuple) or type(found).__module__ == "builtins"


@pytest.mark.parametrize(("old", "new"), SETTING_NAMES.items())
def test_an_earlier_name_is_answered_with_the_new_one(old: str, new: str) -> None:
    assert new in BY_NAME
    assert faults(**{old: BY_NAME[new].default}) == (f"setting {old!r} was renamed to {new!r}",)


def test_messages() -> None:
    assert faults(learning_rate=-1.0) == ("learning_rate must be a number greater than 0; got -1.0",)
    assert faults(epochs=0) == ("epochs must be a whole number from 1 to 1,000,000,000; got 0",)
    assert faults(seed=-1) == ("seed must be a whole number from 0 to 2^64 - 1; got -1",)
    assert faults(dropout=1.0) == ("dropout must be a number of at least 0 and less than 1; got 1.0",)
    assert faults(activation="rleu")[0].endswith("; got 'rleu' (did you mean 'relu'?)")
    assert faults(wire=(("unit", "size"),)) == (
        "wire must be a name and columns such as family_size=size,bedrooms; got (('unit', 'size'),)",
    )


def test_messages_of_switches_and_factors() -> None:
    assert faults(learned_input_scale="yes") == ("learned_input_scale must be yes or no; got 'yes' (in Python True)",)
    (fault,) = faults(learning_rate_multiplier=(("biass", 0.1),))
    assert fault.startswith("learning_rate_multiplier must be a name of weight, bias, ")
    assert fault.endswith(", such as weight=0.5; got (('biass', 0.1),) (did you mean 'bias'?)")


def test_all_faults_travel_in_one_error() -> None:
    with pytest.raises(UsageError, match=r"^7 invalid settings") as caught:
        Settings.of(
            {
                "epochs": 0,
                "batch_size": 0,
                "learning_rate": float("nan"),
                "hidden": (0,),
                "dropout": 1.0,
                "dropuot": 0.5,
                "optimizer": "magic",
            }
        )
    named = [fault.split(" must be")[0] for fault in caught.value.details]
    assert named[0] == "unknown setting 'dropuot' (did you mean 'dropout'?)"
    assert sorted(named[1:]) == ["batch_size", "dropout", "epochs", "hidden", "learning_rate", "optimizer"]
    assert all(f"  - {fault}" in str(caught.value) for fault in caught.value.details)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"validation_fraction": 0.5, "test_fraction": 0.5}, "must leave rows to train on"),
        ({"wire": (("u", ("a",)), ("u", ("b",)))}, "wire names the unit 'u' twice"),
        ({"wire": (("u", ("a",)),), "initialization": "data"}, "cannot be combined with wire"),
        ({"task": "classification", "loss": "squared"}, "loss 'squared' is for regression, but task is classification"),
        ({"task": "regression", "loss": "cross_entropy"}, "loss 'cross_entropy' is for classes"),
    ],
)
def test_settings_that_do_not_go_together(values: dict[str, Any], fault: str) -> None:
    (found,) = faults(**values)
    assert fault in found


def test_defaults() -> None:
    settings = Settings.of({"preset": "plain"})
    given = {s.name: getattr(settings, s.name) for s in SETTINGS if s.default is not None}
    assert given == {s.name: s.default for s in SETTINGS if s.default is not None}
    assert settings.hidden == (256, 256)
    assert settings.learning_rate == 0.01
    assert settings.loss is None


def test_defaults_that_follow_from_other_settings() -> None:
    assert Settings.of({"wire": (("u", ("a",)),)}).hidden == ()
    assert Settings.of({"wire": (("u", ("a",)),), "hidden": (4,)}).hidden == (4,)
    rates = {name: Settings.of({"optimizer": name}).learning_rate for name in ("sgd", "momentum", "nesterov", "adam")}
    assert rates == {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02, "adam": 0.01}


def test_lists_are_as_good_as_tuples() -> None:
    listed = Settings.of({"hidden": [4, 3], "wire": [["u", ["a", "b"]]]})
    assert listed == Settings.of({"hidden": (4, 3), "wire": (("u", ("a", "b")),)})
    hash(listed)


def test_json_and_back() -> None:
    wishes = {
        "hidden": (4, 3),
        "wire": (("u", ("a", "b")),),
        "learning_rate_multiplier": (("bias", 0.1),),
        "learned_input_scale": True,
    }
    settings = Settings.of({**wishes, "seed": 2**64 - 1, "max_grad_norm": 1.0})
    data = json.loads(json.dumps(settings.to_json()))
    assert data["hidden"] == [4, 3]
    assert data["wire"] == [["u", ["a", "b"]]]
    assert Settings.from_json(data) == settings


def test_what_does_not_shape_the_result_is_not_kept() -> None:
    kept = Settings.of({"max_seconds": 3.0}).to_json()
    assert kept == Settings.of({}).to_json()
    assert not {"max_seconds", "engine"} & kept.keys()


def test_json_that_lacks_or_adds_a_setting_is_refused() -> None:
    data = Settings.of({}).to_json()
    with pytest.raises(UsageError, match="settings are missing: seed"):
        Settings.from_json({name: value for name, value in data.items() if name != "seed"})
    with pytest.raises(UsageError, match="unknown setting 'speed'"):
        Settings.from_json({**data, "speed": 1})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("epochs", "12", 12),
        ("learning_rate", "1e-3", 1e-3),
        ("hidden", "64,32", (64, 32)),
        ("hidden", "none", ()),
        ("activation", "tanh", "tanh"),
        ("wire", "family = size, bedrooms", ("family", ("size", "bedrooms"))),
        ("learned_input_scale", "yes", True),
        ("parametric_activation", "No", False),
        ("learning_rate_multiplier", "learned_input_scale = 6", ("learned_input_scale", 6.0)),
    ],
)
def test_reading_text(name: str, text: str, value: Any) -> None:
    assert BY_NAME[name].read(text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [("epochs", "1.5"), ("learning_rate", "fast"), ("hidden", "64,,3"), ("learned_input_scale", "perhaps")],
)
def test_text_that_is_no_value_stays_text_and_is_a_fault(name: str, text: str) -> None:
    value = BY_NAME[name].read(text)
    assert value == text
    assert repr(text) in BY_NAME[name].problem(value)


@pytest.mark.parametrize(
    ("constraint", "value"),
    [
        (Number(0, 1), 0),
        (Number(0, 1), 1.0),
        (Number(0, open_low=True), 5e-324),
        (Number(whole=True), -(10**30)),
        (Widths(), ()),
        (Widths(3), (3,)),
        (Wires(), ()),
        (Choice(("a", "b")), "b"),
    ],
)
def test_values_at_the_edge_are_taken(constraint: Any, value: Any) -> None:
    assert constraint.accepts(value)


def test_a_text_that_the_command_line_reads_is_shown_as_python_writes_it() -> None:
    assert faults(hidden="64,32")[0].endswith("got '64,32' (in Python [64, 32])")
    assert faults(epochs="5")[0].endswith("got '5' (in Python 5)")
    assert faults(hidden="64;32")[0].endswith("got '64;32'")
    assert faults(epochs="-5")[0].endswith("got '-5'")


def test_a_column_in_place_of_its_name_is_not_printed() -> None:
    assert faults(group=pd.Series(np.arange(9))) == ("group must be the name of a column; got a value of type Series",)
    assert faults(group=("x" * 300,)) == (f"group must be the name of a column; got ('{'x' * 98}...",)
    assert "got a value of type Series" in faults(hidden=pd.Series(np.arange(9)))[0]


@pytest.mark.parametrize(
    ("name", "place"), [("by", "fit_groups"), ("folds", "cross_validate"), ("repeats", "cross_validate")]
)
def test_arguments_of_other_functions_are_named(name: str, place: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is an argument of {place}"):
        Settings.of({name: 2})
