"""Organisation and association rules as entries of raw types: grouping, recipe, needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vltflow.instruments.oca import writing
from vltflow.instruments.oca.classification import Classification
from vltflow.instruments.oca.evaluation import RAW_TYPE, TAGS, holds
from vltflow.instruments.oca.notes import Note
from vltflow.instruments.oca.tree import (
    Action,
    And,
    Comparison,
    Execute,
    Expression,
    Key,
    Number,
    Or,
    RecipeCall,
    RuleFile,
    SelectFile,
    Setting,
    Text,
    keys,
)

_FILE = "association"
_LAST_FILE = "LF."
_SIGNALS = {"SIG.TEMPLATE": "template", "SIG.FRAME": "frame"}
_TEMPLATE_KEYS = frozenset({"TPL.START", "OBS.START"})
_SAME = frozenset({"INSTRUME"})
"""Keywords in which all frames of a definition agree."""


@dataclass(frozen=True, slots=True)
class Need:
    """A calibration that an action selects."""

    category: str
    """PRO.CATG."""
    tag: str
    required: bool
    match: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """How frames of a raw type are reduced."""

    raw_type: str
    group: str
    """``template``, ``frame`` or ``none``."""
    minimum: int
    setup: tuple[str, ...]
    """Keywords by which an organisation rule groups."""
    action: Action | None
    recipe: RecipeCall | None
    needs: tuple[Need, ...]
    line: int
    """Of the organisation rule; 0 without one."""


def entries(rules: RuleFile, classes: Classification) -> tuple[list[Entry], list[Note]]:
    """Entry of each raw type, and remarks on what an entry cannot say."""
    reader = _Reader(rules, classes)
    found = [reader.entry(raw_type, tags) for raw_type, tags in classes.tags.items()]
    reader.note_unused()
    return found, list(dict.fromkeys(reader.notes))


class _Reader:
    def __init__(self, rules: RuleFile, classes: Classification) -> None:
        self.notes: list[Note] = []
        self._classes = classes
        self._executes = list(_with_minimum(rules))
        self._actions = {action.name: action for action in rules.actions}
        self._used: set[Execute] = set()
        self._typed = {rule.raw_type for rule in classes.rules if rule.raw_type}

    def entry(self, raw_type: str, tags: Sequence[str]) -> Entry:
        started = [
            (execute, minimum)
            for execute, minimum in self._executes
            if any(self._starts(execute, raw_type, tag) for tag in tags)
        ]
        self._used.update(execute for execute, _ in started)
        started = [one for one in started if self._known(one[0])]
        if not started:
            return Entry(raw_type, "none", 1, (), None, None, (), 0)
        execute, minimum = self._chosen(raw_type, started)
        action = self._actions[execute.action]
        self._note_alternative_recipes(action)
        return Entry(
            raw_type=raw_type,
            group=self._group(execute),
            minimum=minimum,
            setup=self._setup(execute),
            action=action,
            recipe=action.recipes[0],
            needs=self._needs(action),
            line=execute.line,
        )

    def note_unused(self) -> None:
        """Remarks on organisation rules that start from no raw frame, and on idle actions."""
        for execute, _ in self._executes:
            if execute not in self._used:
                self._note(execute.line, f"{execute.action} starts from no raw type: left out")
        called = {execute.action for execute, _ in self._executes}
        for action in self._actions.values():
            if action.name not in called:
                self._note(action.line, f"no rule executes action {action.name}: left out")

    # ------------------------------------------------------------ organisation

    def _starts(self, execute: Execute, raw_type: str, tag: str) -> bool:
        labels = dict.fromkeys(TAGS, tag) | dict.fromkeys(_SIGNALS, 1)
        if raw_type in self._typed:
            labels[RAW_TYPE] = raw_type
        labels |= {_LAST_FILE + key: value for key, value in labels.items()}
        if execute.condition is None:
            return False
        return holds(_only(execute.condition, frozenset(labels) | {RAW_TYPE}), {}, labels)

    def _known(self, execute: Execute) -> bool:
        action = self._actions.get(execute.action)
        if action is None:
            self._note(execute.line, f"there is no action {execute.action}: left out")
        elif not action.recipes:
            self._note(action.line, f"action {action.name} calls no recipe: left out")
        return action is not None and bool(action.recipes)

    def _chosen(self, raw_type: str, started: Sequence[tuple[Execute, int]]) -> tuple[Execute, int]:
        """The organisation rule that holds today, by RAW.TYPE if one is; the first of several."""
        best = min(started, key=lambda one: (_ends(one[0].condition), not _typed(one[0].condition)))
        others = {one.action: one.line for one, _ in started if one.action != best[0].action}
        for action, line in others.items():
            self._note(
                line,
                f"{raw_type} also starts {action}; a raw type has one recipe, here that of "
                f"{best[0].action} (line {best[0].line})",
            )
        rest = _rest(best[0].condition)
        if rest:
            self._note(best[0].line, f"{raw_type} starts {best[0].action} only where {rest}")
        return best

    def _group(self, execute: Execute) -> str:
        read = {key.name for key in keys(execute.condition)} if execute.condition else set()
        signals = [group for signal, group in _SIGNALS.items() if signal in read]
        if signals:
            return signals[0]
        by = set(execute.group_by)
        if "ARCFILE" in by:
            return "frame"
        if "OBS.START" in by:
            self._note(execute.line, f"{execute.action}: groups by OBS.START, here by template")
        elif not by & _TEMPLATE_KEYS:
            self._note(execute.line, f"{execute.action}: no grouping known, here by template")
        return "template"

    def _setup(self, execute: Execute) -> tuple[str, ...]:
        left_out = _TEMPLATE_KEYS | {"ARCFILE"}
        return self._sources(key for key in execute.group_by if key not in left_out)

    # ------------------------------------------------------------ association

    def _needs(self, action: Action) -> tuple[Need, ...]:
        found: dict[str, Need] = {}
        for select, least, most in _selections(action):
            need = self._need(action, select, least, most)
            if need is None:
                continue
            if need.category in found:
                self._note(select.line, f"{action.name}: {need.category} a second time: left out")
                continue
            found[need.category] = need
        return tuple(found.values())

    def _need(self, action: Action, select: SelectFile, least: int, most: int) -> Need | None:
        where = f"{action.name}: {select.tag}"
        if most == 0:
            self._note(select.line, f"{where} is switched off (maxRet = 0): left out")
            return None
        if select.source == "rawFiles":
            self._note(select.line, f"{where} are raw frames of other types: left out")
            return None
        if least > 1 or most > 1:
            self._note(select.line, f"{where}: {least} to {most} files; here one")
        names, match, rest = _taken_apart(select.condition)
        for text in rest:
            self._note(select.line, f"{where}: condition left out: {text}")
        if not names:
            self._note(select.line, f"{where}: no PRO.CATG asked for; taken by its tag")
        name = names[0] if names else select.tag
        category = self._classes.categories.get(name, name)
        keywords = self._sources(key for key in match if key not in _SAME)
        return Need(category, select.tag, least > 0, keywords, select.line)

    def _sources(self, names: Iterator[str]) -> tuple[str, ...]:
        """Keywords of headers: those behind a computed key stand for it."""
        found: dict[str, None] = {}
        for name in names:
            sources = self._classes.computed.get(name)
            found.update(dict.fromkeys(sources or (name,)))
        return tuple(found)

    def _note_alternative_recipes(self, action: Action) -> None:
        for recipe in action.recipes[1:]:
            self._note(recipe.line, f"action {action.name} calls a second recipe: left out")

    def _note(self, line: int, message: str) -> None:
        self.notes.append(Note(_FILE, line, message))


def computed_notes(classes: Classification) -> list[Note]:
    """Remarks on the keys that rules compute and match by."""
    return [
        Note(
            _FILE,
            classes.computed_in[key],
            f"rules compute {key} from {', '.join(sources)}; what matches by it matches by those",
        )
        for key, sources in classes.computed.items()
    ]


def _with_minimum(rules: RuleFile) -> Iterator[tuple[Execute, int]]:
    """Organisation rules with the smallest number of files that each asks for."""
    minimum = 1
    for one in rules.statements:
        if isinstance(one, Setting):
            minimum = int(one.value.value) if one.name == "minRet" else minimum
        elif isinstance(one, Execute):
            yield one, max(1, minimum)
            minimum = 1


def _selections(action: Action) -> Iterator[tuple[SelectFile, int, int]]:
    """Selections of an action, each with its smallest and largest number of files."""
    settings: dict[str, int] = {}
    for part in action.body:
        if isinstance(part, Setting):
            settings[part.name] = int(part.value.value)
        elif isinstance(part, SelectFile):
            yield part, settings.get("minRet", 1), settings.get("maxRet", 1)
            settings = {}


def _only(condition: Expression, labels: frozenset[str]) -> Expression:
    """The condition as far as it reads labels; other keywords are taken to fit."""
    match condition:
        case And(parts):
            return And(tuple(_only(part, labels) for part in parts))
        case Or(parts):
            return Or(tuple(_only(part, labels) for part in parts))
    read = {key.name for key in keys(condition)}
    fits = Comparison("==", Number("1"), Number("1"))
    return condition if read <= labels else fits


def _rest(condition: Expression | None) -> str:
    """Conditions of an organisation rule on keywords of headers, as text."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    known = {*TAGS, RAW_TYPE, *_SIGNALS}
    rest = [
        writing.condition(part)
        for part in parts
        if part is not None
        and not {key.name.removeprefix(_LAST_FILE) for key in keys(part)} <= known
    ]
    return " and ".join(rest)


def _ends(condition: Expression | None) -> bool:
    """Whether an organisation rule holds up to some day only."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    return any(
        isinstance(part, Comparison)
        and part.operator in {"<", "<="}
        and part.left == Key("MJD-OBS")
        for part in parts
    )


def _typed(condition: Expression | None) -> bool:
    """Whether an organisation rule asks for a RAW.TYPE."""
    return condition is not None and RAW_TYPE in {
        key.name.removeprefix(_LAST_FILE) for key in keys(condition)
    }


def _taken_apart(condition: Expression | None) -> tuple[list[str], list[str], list[str]]:
    """Names that a selection asks for, keywords that must be equal, and what else it asks."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    names: list[str] = []
    match_keys: list[str] = []
    rest: list[str] = []
    for part in parts:
        match part:
            case None:
                continue
            case Comparison(("==" | "like"), Key(name, False), Text(value)) if (
                name in {*TAGS, RAW_TYPE, "PRO.CATG"} and not names
            ):
                names.append(value.strip("%"))
            case Comparison(("==" | "?="), Key(one, of_one), Key(other, of_other)) if (
                one == other and of_one is not of_other
            ):
                match_keys.append(one)
            case _:
                rest.append(writing.condition(part))
    return names, match_keys, rest
