"""``backpass fit --by``: train a network per group and write the model file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from typing import Any

from backpass.cli.console import Console
from backpass.cli.grouped.show import about, facts, score_table, worst_line
from backpass.cli.note_lines import note_lines
from backpass.cli.options.declaration import flag, names_in
from backpass.cli.options.reading import reading_of
from backpass.cli.options.settings import asked_settings
from backpass.cli.output import check_replaceable, model_path
from backpass.cli.progress import watcher
from backpass.cli.text import size
from backpass.model.grouped.fit import MIN_ROWS, grouped_fit
from backpass.model.grouped.options import require_supported
from backpass.model.grouped.saving import KIND

_REFUSED = (
    *("validation_file", "test_file", "weight", "teacher", "features_of", "folds", "repeats", "out_of_fold", "report"),
    *("checkpoint", "resume", "workers", "stream", "memory", "print_config"),
)
"""Options of ``fit`` that a grouped model does not have, beside settings."""


def fit_by_group(given: Mapping[str, Any], console: Console, processes: int) -> int:
    """Run ``backpass fit --by``.

    Raises:
        UsageError: Lists every option that a grouped model does not have.
    """
    asked = asked_settings(given)
    others = [flag(name) for name in _REFUSED if given[name] not in (None, False, (), [])]
    others += [f"{processes} processes"] if processes > 1 else []
    require_supported(asked, tuple(others))
    target = names_in(given["target"]) if given["target"][0].count(",") else list(given["target"])
    output = model_path(given["table"], given["output"])
    check_replaceable(output, KIND)
    reading = {
        **reading_of(given),
        "categorical": tuple(names_in(given["categorical"])),
        "text": tuple(names_in(given["text"])),
    }
    drop, columns = names_in(given["drop"]), names_in(given["columns"]) or None
    with watcher(console, "") as watching:
        model = grouped_fit(
            given["table"],
            target[0] if len(target) == 1 else target,  # type: ignore[arg-type]  # grouped_fit refuses several
            given["by"],
            asked,
            [watching],
            min_rows=MIN_ROWS if given["min_rows"] is None else given["min_rows"],
            drop=drop,
            columns=columns,
            strict=given["strict"],
            reading={name: value for name, value in reading.items() if value not in ((), None)},
        )
    model.save(output)
    for label, texts in about(model):
        console.item(label, texts[0])
    # Those of the groups were printed while they were trained.
    for note in note_lines(model.base.record.notes, verbose=given["verbose"]):
        console.item("note", note)
    for line in ("", *score_table(model)) if model.scores else ():
        console.line(line)
    if model.scores:
        console.item("worst", worst_line(model))
    console.line()
    console.command("next", shlex.join(["backpass", "show", output]))
    console.line(f"saved {output} ({size(os.path.getsize(output))})")
    if given["as_json"]:
        console.document("fit", **facts(model), output=output)
    return 0
