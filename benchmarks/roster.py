"""The roster: every contender by name, with the module it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import contenders
from bags import bagged
from contenders import Fit, inputs_only


@dataclass(frozen=True)
class Contender:
    """A contender.

    Attributes:
        module: The module it needs.
        fit: How it is fitted.
        is_bag: Whether it is fitted on folds.
    """

    module: str
    fit: Fit
    is_bag: bool = False


def _ours(preset: str, precision: str = "float32") -> Contender:
    return Contender("backpass", partial(contenders.backpass, preset=preset, precision=precision))


def _single(module: str, fit: Fit) -> Contender:
    return Contender(module, inputs_only(fit))


def _bag(module: str, fit: Fit) -> Contender:
    return Contender(module, inputs_only(bagged(fit)), is_bag=True)


_REALMLP, _TABM = (partial(contenders.pytabkit, name=name) for name in ("RealMLP_TD", "TabM_D"))
_BY_LOSS = {"val_metric_name": "cross_entropy"}
"""What selects the epoch of classes, as its authors recommend where the log-loss is the error."""

CONTENDERS: Mapping[str, Contender] = {
    **{f"backpass {preset}": _ours(preset) for preset in ("plain", "fast", "default", "best")},
    **{f"backpass {preset} bf16": _ours(preset, "bf16") for preset in ("plain", "default")},
    "scikit-learn MLP": _single("sklearn", contenders.scikit_learn_mlp),
    "HistGradientBoosting": _single("sklearn", contenders.histogram_boosting),
    "LightGBM": _single("lightgbm", contenders.lightgbm),
    "XGBoost": _single("xgboost", contenders.xgboost),
    "CatBoost": _single("catboost", contenders.catboost),
    "RealMLP-TD": _single("pytabkit", _REALMLP),
    "TabM-D": _single("pytabkit", _TABM),
    "lgbm_bag4": _bag("lightgbm", contenders.lightgbm),
    "xgboost_bag4": _bag("xgboost", contenders.xgboost),
    "catboost_bag4": _bag("catboost", contenders.catboost),
    # n_cv=4 of pytabkit trains the same networks, but takes folds of equal sizes only.
    "realmlp_bag4": _bag("pytabkit", partial(_REALMLP, of_classes={**_BY_LOSS, "use_ls": False})),
    "tabm_bag4": _bag("pytabkit", partial(_TABM, of_classes=_BY_LOSS)),
}
