"""Older facts: the facts of formats 1 and 2 in today's names, and values of any other shape as they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backpass.model.file.older_facts import SETTING_NAMES, upgraded
from backpass.model.settings.declarations import BY_NAME

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["network", "layers", "schema", "features", "head", "heads", "target", "record", "kind"])
            | st.sampled_from(["settings", "rows", "scores", "baselines", "columns", "identity", "rate_factor"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def test_names_of_every_place_are_changed() -> None:
    facts = {
        "network": {"inputs": 2, "layers": [{"kind": "front_scale"}, {"kind": "dense", "units": 3}]},
        "schema": {"features": [{"kind": "number", "name": "text"}, {"kind": "date", "name": "d"}]},
        "head": {"heads": [{"target": {"class_kind": "text", "name": "valid"}}]},
        "record": {
            "settings": {"valid_fraction": 0.2, "parametrization": "scaled", "rate_factor": [["front_scale", 6.0]]},
            "rows": {"train": 8, "valid": 2},
            "scores": {"valid": {"rmse": 1.0}},
            "baselines": {"mean": {"valid": {"rmse": 2.0}}},
            "columns": {"number": {"kind": "text", "counts": []}},
        },
    }
    assert upgraded("model", facts) == {
        "network": {"inputs": 2, "layers": [{"kind": "learned_input_scale"}, {"kind": "dense", "units": 3}]},
        "schema": {"features": [{"kind": "numeric", "name": "text"}, {"kind": "date", "name": "d"}]},
        "head": {"heads": [{"target": {"class_kind": "categorical", "name": "valid"}}]},
        "record": {
            "settings": {
                "validation_fraction": 0.2,
                "parametrization": "ntk",
                "learning_rate_multiplier": [["learned_input_scale", 6.0]],
            },
            "rows": {"train": 8, "validation": 2},
            "scores": {"validation": {"rmse": 1.0}},
            "baselines": {"mean": {"validation": {"rmse": 2.0}}},
            "columns": {"number": {"kind": "categorical", "counts": []}},
        },
    }


def test_a_checkpoint_has_its_settings_and_its_network_in_one_object() -> None:
    facts = {"identity": {"ensemble": 2, "network": {"layers": [{"kind": "learned_activation"}]}}, "runs": [None]}
    assert upgraded("checkpoint", facts) == {
        "identity": {"ensemble_size": 2, "network": {"layers": [{"kind": "parametric_activation"}]}},
        "runs": [None],
    }


def test_every_earlier_name_leads_to_a_setting_and_is_one_no_more() -> None:
    assert set(SETTING_NAMES.values()) <= set(BY_NAME)
    assert not set(SETTING_NAMES) & set(BY_NAME)


@pytest.mark.parametrize("kind", ["model", "checkpoint"])
@given(facts=JSON)
def test_facts_of_any_shape_pass(kind: str, facts: Any) -> None:
    upgraded(kind, facts)
