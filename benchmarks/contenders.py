"""Contenders: how each library is fitted to a table with its defaults, as its own users would.

Rows come in as data frames; a contender goes out as a function that fits and gives back how to predict. Libraries are
imported where they are used. Bags of several models live in ``bags``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

Predict = Callable[[Any], np.ndarray]
"""Rows without the target -> numbers (n,), or probabilities (n, classes) in the order of the classes."""


@dataclass(frozen=True)
class Case:
    """A table, split: frames without the target, and targets as numbers or as class numbers.

    Attributes:
        X: The columns of the training rows.
        y: Their targets.
        X_valid: The columns of the validation rows.
        y_valid: Their targets.
        classes: The names of the classes; empty for numbers.
        seed: The seed of the fit.
        threads: The number of threads.
        ruler: What splits the rows: "", "group" or "time".
        column: The group or time column, one of those of X; "" without one.
        folds: The rows of ``joined`` that train and that validate, for each model of a bag.
    """

    X: Any
    y: np.ndarray
    X_valid: Any
    y_valid: np.ndarray
    classes: tuple[str, ...]
    seed: int
    threads: int
    ruler: str = ""
    column: str = ""
    folds: tuple[tuple[np.ndarray, np.ndarray], ...] = ()

    @property
    def is_number(self) -> bool:
        return not self.classes

    @property
    def texts(self) -> list[str]:
        """The columns that hold texts."""
        return [name for name in self.X.columns if self.X[name].dtype.kind not in "iufb"]

    def joined(self) -> tuple[Any, np.ndarray]:
        """Training and validation rows together, for who sets rows aside itself."""
        import pandas

        return pandas.concat([self.X, self.X_valid], ignore_index=True), np.concatenate([self.y, self.y_valid])


Fit = Callable[[Case], Predict]
"""A contender."""


def inputs_only(fit: Fit) -> Fit:
    """The contender on numbers and texts alone, for libraries that know neither groups nor times.

    The group column is left out, as ``--group`` leaves it out. A time column becomes its day, day of the year and day
    of the week.
    """

    def fitted(case: Case) -> Predict:
        def inputs(frame: Any) -> Any:
            if not case.ruler:
                return frame
            column, rest = frame[case.column], frame.drop(columns=case.column)
            if case.ruler == "group":
                return rest
            if column.dtype.kind != "M":
                return frame
            day = column.astype("datetime64[s]").astype("int64") / 86400
            dates = {"day": day, "day of year": column.dt.day_of_year, "day of week": column.dt.day_of_week}
            return rest.assign(**{f"{case.column}, {name}": dates[name].astype(float) for name in dates})

        predict = fit(replace(case, X=inputs(case.X), X_valid=inputs(case.X_valid), ruler="", column=""))
        return lambda frame: predict(inputs(frame))

    return fitted


def backpass(case: Case, preset: str, precision: str = "float32") -> Predict:
    from backpass.model import fit

    options: dict[str, Any] = {"preset": preset, "precision": precision, "seed": case.seed, "threads": case.threads}
    if case.ruler:
        options[case.ruler] = case.column
    model = fit(
        whole(case, case.X, case.y),
        "target",
        validation=whole(case, case.X_valid, case.y_valid),
        test_fraction=0.0,
        **options,
    )
    if case.is_number:
        return model.predict
    order = [model.classes.index(label) for label in case.classes]
    return lambda X: model.predict_proba(X)[:, order]


def whole(case: Case, X: Any, y: np.ndarray) -> Any:
    """The columns with the target beside them, classes by their names."""
    return X.assign(target=y if case.is_number else np.array(case.classes, dtype=object)[y])


def scikit_learn_mlp(case: Case) -> Predict:
    from sklearn.compose import TransformedTargetRegressor, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    texts = case.texts
    numbers = [name for name in case.X.columns if name not in texts]
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numbers),
        (OneHotEncoder(min_frequency=5, handle_unknown="infrequent_if_exist", sparse_output=False), texts),
    )
    options = {"hidden_layer_sizes": (256, 256), "early_stopping": True, "random_state": case.seed}
    X, y = case.joined()
    with _threads(case.threads):
        if not case.is_number:
            return make_pipeline(columns, MLPClassifier(**options)).fit(X, y).predict_proba
        network = TransformedTargetRegressor(MLPRegressor(**options), transformer=StandardScaler())
        return make_pipeline(columns, network).fit(X, y).predict


def histogram_boosting(case: Case) -> Predict:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    X, y = case.joined()
    coded = _categorical({name: _common_levels(X[name]) for name in case.texts})

    Kind = HistGradientBoostingRegressor if case.is_number else HistGradientBoostingClassifier
    model = Kind(early_stopping=True, max_iter=1000, categorical_features="from_dtype", random_state=case.seed)
    with _threads(case.threads):
        model.fit(coded(X), y)
    return lambda frame: (model.predict if case.is_number else model.predict_proba)(coded(frame))


def _categorical(levels: Mapping[str, list[Any]]) -> Callable[[Any], Any]:
    """Make columns of these levels categorical; other values are missing.

    Columns are numbered: LightGBM and XGBoost do not take every character in their names.
    """

    def coding(frame: Any) -> Any:
        import pandas

        known = {name: frame[name].where(frame[name].isin(own)) for name, own in levels.items()}
        coded = frame.assign(**{name: pandas.Categorical(known[name], levels[name]) for name in levels})
        return coded.set_axis([f"x{j}" for j in range(coded.shape[1])], axis=1)

    return coding


def _common_levels(column: Any, most: int = 200) -> list[Any]:
    return list(column.value_counts().index[:most])


def lightgbm(case: Case) -> Predict:
    import lightgbm as library

    coded = _categorical({name: sorted(set(case.X[name].dropna())) for name in case.texts})

    Kind = library.LGBMRegressor if case.is_number else library.LGBMClassifier
    model = Kind(n_estimators=2000, learning_rate=0.05, random_state=case.seed, n_jobs=case.threads, verbosity=-1)
    stop = library.early_stopping(50, verbose=False)
    model.fit(coded(case.X), case.y, eval_set=[(coded(case.X_valid), case.y_valid)], callbacks=[stop])
    return lambda frame: (model.predict if case.is_number else model.predict_proba)(coded(frame))


def xgboost(case: Case) -> Predict:
    import xgboost as library

    coded = _categorical({name: sorted(set(case.X[name].dropna())) for name in case.texts})

    Kind = library.XGBRegressor if case.is_number else library.XGBClassifier
    model = Kind(
        n_estimators=2000,
        learning_rate=0.05,
        early_stopping_rounds=50,
        enable_categorical=True,
        random_state=case.seed,
        n_jobs=case.threads,
    )
    model.fit(coded(case.X), case.y, eval_set=[(coded(case.X_valid), case.y_valid)], verbose=False)
    return lambda frame: (model.predict if case.is_number else model.predict_proba)(coded(frame))


def catboost(case: Case) -> Predict:
    import catboost as library

    def coded(frame: Any) -> Any:
        return frame.assign(**{name: frame[name].astype(object).fillna("missing").astype(str) for name in case.texts})

    Kind = library.CatBoostRegressor if case.is_number else library.CatBoostClassifier
    model = Kind(
        iterations=2000,
        early_stopping_rounds=50,
        random_seed=case.seed,
        thread_count=case.threads,
        verbose=False,
        allow_writing_files=False,
        cat_features=case.texts,
    )
    model.fit(coded(case.X), case.y, eval_set=(coded(case.X_valid), case.y_valid))
    return lambda frame: (model.predict if case.is_number else model.predict_proba)(coded(frame))


def pytabkit(case: Case, name: str, of_classes: Mapping[str, Any] = MappingProxyType({})) -> Predict:
    """A network of pytabkit, with options that it has for classes."""
    import pytabkit
    import torch

    torch.set_num_threads(case.threads)
    numbers = [each for each in case.X.columns if each not in case.texts]
    gaps = [each for each in numbers if case.X[each].isna().any()]
    medians = case.X[numbers].median()

    def coded(frame: Any) -> Any:
        """Medians and indicators for missing numbers, which it does not take; a missing text is a level."""
        flags = {f"{each} is missing": frame[each].isna().astype(float) for each in gaps}
        texts = {each: frame[each].astype(object).fillna("missing").astype("category") for each in case.texts}
        return frame.assign(**frame[numbers].fillna(medians).astype(float), **texts, **flags)

    Kind = getattr(pytabkit, f"{name}_{'Regressor' if case.is_number else 'Classifier'}")
    options = {} if case.is_number else of_classes
    model = Kind(device="cpu", random_state=case.seed, n_threads=case.threads, **options)
    model.fit(coded(case.X), case.y, coded(case.X_valid), case.y_valid)
    return lambda frame: np.asarray((model.predict if case.is_number else model.predict_proba)(coded(frame)))


def _threads(count: int) -> Any:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(count)
