"""Setting options: the training settings as options of the command line, made from their declarations.

Each declaration in ``backpass.model.settings`` provides the name, the help text and the validation of one option.
Values arrive as text and are validated together, so that one message lists all problems.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from backpass.cli.options.declaration import combined, flag, option
from backpass.errors import UsageError
from backpass.model.settings.constraint import Choice, Number, Switch
from backpass.model.settings.declarations import BY_NAME, SETTINGS
from backpass.model.settings.setting import Setting
from backpass.model.settings.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def settings_options() -> Callable[[F], F]:
    """Declare one option per training setting."""
    return combined(*(_setting_option(setting) for setting in SETTINGS))


def _setting_option(setting: Setting) -> Callable[[F], F]:
    # A switch without a value is on: --refit means --refit yes.
    alone: dict[str, Any] = {"is_flag": False, "flag_value": "yes"} if isinstance(setting.constraint, Switch) else {}
    return option(
        flag(setting.name),
        setting.name,
        metavar=setting.constraint.metavar,
        multiple=setting.repeated,
        section=setting.group.capitalize(),
        help=_help(setting),
        shell_complete=_completing(getattr(setting.constraint, "names", ())),
        **alone,
    )


def _completing(names: Sequence[str]) -> Callable[..., list[str]]:
    """Return the shell-completion function of an option: the names that start with the incomplete value."""
    return lambda ctx, parameter, begun: [name for name in names if name.startswith(begun)]


def _help(setting: Setting) -> str:
    """Compose the help text of a setting: meaning, accepted values and default.

    Square brackets at the end of ``setting.help`` describe the behavior if the default is None.
    """
    meaning, bracket, default = setting.help.partition(" [")
    usual = ("no", "yes")[setting.default] if isinstance(setting.default, bool) else f"{setting.default}"
    default = default.rstrip("]") if bracket else "" if setting.repeated else usual
    # The help texts of settings with other constraints contain an example instead.
    values = f": {setting.constraint.describe()}" if isinstance(setting.constraint, Number | Choice) else ""
    return f"{meaning}{values}{f'; default: {default}' if default else ''}"


def settings_of(given: Mapping[str, Any]) -> Settings:
    """Build the validated Settings from the parsed options.

    Raises:
        UsageError: Lists every invalid value.
    """
    try:
        return Settings.of(asked_settings(given))
    except UsageError as error:
        errors = [_in_options(message, [setting.name for setting in SETTINGS]) for message in error.details]
        if len(errors) == 1:
            raise UsageError(errors[0], hint="backpass fit --help explains every setting") from None
        raise UsageError(error.message, details=errors, hint="backpass fit --help explains every setting") from None


def asked_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were set, as the declarations read them."""
    asked = {setting.name: given[setting.name] for setting in SETTINGS if given[setting.name] not in (None, ())}
    return {name: _value(name, text) for name, text in asked.items()}


def _value(name: str, text: Any) -> Any:
    """Parse the value of a setting; return an invalid text unchanged, so that messages show what the user typed."""
    setting = BY_NAME[name]
    if not setting.repeated:
        value = setting.read(text)
        return text if setting.problem(value) else value
    values = [setting.read(each) for each in text]
    return next((each for each, value in zip(text, values, strict=True) if setting.problem((value,))), tuple(values))


def _in_options(message: str, names: Sequence[str]) -> str:
    """Replace setting names in a message with option names: the first word, and every name that contains an underscore.

    >>> _in_options("validation_fraction and test_fraction must ...", ["validation_fraction", "test_fraction"])
    '--validation-fraction and --test-fraction must ...'
    """
    first, *others = message.split(" ")
    unmistakable = [name for name in names if "_" in name]
    words = [first if first not in names else flag(first)]
    return " ".join(words + [flag(word) if word in unmistakable else word for word in others])
