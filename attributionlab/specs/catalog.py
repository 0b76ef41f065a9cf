"""Catalogs: named methods, metrics, environments and segmenters, and their construction from names.

A catalog has three kinds of entries: built-in ones, those registered in this process, and those of installed packages,
found by entry points. Built-in ones are stored as import strings and imported on use, so that names can be listed and
checked without torch. An unusable entry point causes a warning and has no other effect.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, overload

from attributionlab.errors import AttributionLabError, PluginWarning, UnknownName, bad_option, unknown_name
from attributionlab.printable import error_line, value_text
from attributionlab.specs.functions import NAME_OR_ADDRESS, Address, address_of, load_function, parse_address
from attributionlab.specs.grammar import Spec, format_spec, parse_options, parse_spec
from attributionlab.specs.options import convert_options, join_options
from attributionlab.specs.registration import Registered
from attributionlab.specs.rules import Rules, import_object, own_name

Entry = TypeVar("Entry")


@dataclasses.dataclass
class Catalog(Generic[Entry]):
    """Named entries of one kind.

    Args:
        kind: Kind of the entries, in the singular: `method`.
        built_in: Built-in entries by name, as import strings `module:attribute`.
        rules: Requirements of registered entries.
        aliases: Names in other libraries, in lower case without separators, with our names for them; used in hints only.
        reserved: Names that cannot be registered.
        hints: Hints about names that are not entries, by name in lower case, such as the reason why no entry is needed.
    """

    kind: str
    built_in: Mapping[str, str]
    rules: Rules
    aliases: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    reserved: tuple[str, ...] = ()
    hints: Mapping[str, str] = dataclasses.field(default_factory=dict)

    entries: dict[str, Entry] = dataclasses.field(default_factory=dict, init=False, repr=False)
    """Entries that have been imported or registered."""
    _broken: dict[str, str] = dataclasses.field(default_factory=dict, init=False, repr=False)
    _points: dict[str, importlib.metadata.EntryPoint] | None = dataclasses.field(default=None, init=False, repr=False)

    @property
    def plural(self) -> str:
        """The kind in the plural, as in `attributionlab list methods`."""
        return f"{self.kind}s"

    @property
    def group(self) -> str:
        """Entry point group of installed packages."""
        return f"attributionlab.{self.plural}"

    @property
    def names(self) -> list[str]:
        """All names, including those of entry points that may prove unusable, because this imports no entry."""
        return list(dict.fromkeys([*self.built_in, *self.entries, *self._pending()]))

    def __iter__(self) -> Iterator[str]:
        """The names of all usable entries: built-in ones, then the others in the order of their registration."""
        for name in list(self._pending()):
            self._load(name, self._warn)
        return iter(self.names)

    def get(self, name: str) -> Entry:
        """The entry called `name`.

        Raises:
            UnknownName: If there is no such entry, with the closest names, or its entry point is unusable, with the reason.
        """
        if name not in self.entries:
            if name in self.built_in:
                self.entries[name] = import_object(self.built_in[name])
            elif name in self._pending():
                self._load(name)  # without a warning: the error below gives the reason
        if name not in self.entries:
            raise self._unknown(name)
        return self.entries[name]

    def require(self, spec: str) -> None:
        """Refuse a spec whose name does not exist, without importing the entry.

        Raises:
            UnknownName: If there is no such name.
            BadOption: If the text is not a spec.
        """
        parsed = self._parse(spec)
        if isinstance(parsed, Spec) and parsed.name not in self.names:
            raise self._unknown(parsed.name)

    @overload
    def register(self, name: str, /) -> Callable[[Registered], Registered]: ...
    @overload
    def register(self, name: str, entry: Registered, /) -> Registered: ...
    @overload
    def register(self, entry: Registered, /) -> Registered: ...
    def register(self, name_or_entry: object, entry: object = None, /) -> object:
        """Add a class or a function; with only a name, return a decorator.

        Args:
            name_or_entry: The name, or the class or function itself, which is then registered under its own name.
            entry: The class or function; omitted in a decorator.

        Returns:
            The class or function.

        Raises:
            BadOption: If the name is taken, not valid in a spec or not the class's own, or the class or function breaks the
                rules.
        """
        if not isinstance(name_or_entry, str):
            self._add(own_name(name_or_entry), name_or_entry)
            return name_or_entry
        if entry is None:
            return lambda decorated: self.register(name_or_entry, decorated)
        self._add(name_or_entry, entry)
        return entry

    def build(self, source: object, options: Mapping[str, object], /, **context: object) -> Any:
        """Build an object of this kind.

        Args:
            source: A spec, an address (`package.module:function`, `file.py:function`), a table `{"name": spec, option: value}`,
                a class, a function, or an object, whose options are kept unless `options` sets them.
            options: Options in addition to those of the spec.
            **context: Arguments of the class that are not options; those that are None are omitted.

        Raises:
            UnknownName: If there is no such name or option.
            BadOption: If a value is not valid or contradicts the spec, options are given for a function, or `source` is none of
                these.
            MissingFile: If the module, file or function of an address does not exist.
        """
        arguments = {name: value for name, value in context.items() if value is not None}
        if isinstance(source, Mapping):
            return self._from_table(source, options, arguments)
        if isinstance(source, str):
            return self._from_text(source, options, arguments)
        if self.rules.is_class_of(source):
            return self._constructed(source, source, arguments, self._converted(source, options))
        if self.rules.is_class_of(type(source)):
            changes = self._converted(type(source), options)
            replace = functools.partial(dataclasses.replace, source)  # type: ignore[type-var]  # all are dataclasses
            return self._constructed(type(source), replace, arguments, changes) if arguments or changes else source
        adapted = self.rules.adapted(source, options)
        if adapted is not None:
            return adapted
        if not self.rules.is_function(source):
            function = f" or a function {self.rules.signature}" if self.rules.wrapper else ""
            raise bad_option(self.kind, f"be a spec{function}", source)
        if options:
            raise bad_option("options", "be empty for a function", options)
        return self.rules.wrap(source, address_of(source))

    def _from_table(self, table: Mapping[str, object], options: Mapping[str, object], arguments: dict[str, Any]) -> Any:
        """Build from a table with a name and options."""
        table_options = {name: value for name, value in table.items() if name != "name"}
        if not isinstance(table.get("name"), str):
            raise bad_option(self.kind, "have a name", dict(table))
        return self._from_text(str(table["name"]), join_options(options, table_options, "the table"), arguments)

    def _from_text(self, text: str, options: Mapping[str, object], arguments: dict[str, Any]) -> Any:
        """Build from a spec or an address."""
        spec = self._parse(text)
        if isinstance(spec, Address):
            return self._from_address(text, spec, options)
        entry: Any = self.get(spec.name)
        if isinstance(entry, type):
            beside, written = self._converted(entry, options), self._converted(entry, spec.options)
            return self._constructed(entry, entry, arguments, join_options(beside, written, text))
        if options or spec.options:
            raise bad_option("options", f"be empty for {spec.name}, which is a function", {**options, **spec.options})
        return self.rules.wrap(entry, spec.name)

    def _constructed(
        self, kind: type, build: Callable[..., Any], arguments: dict[str, Any], options: dict[str, Any]
    ) -> Any:
        """Call a constructor; what the code of another package raises becomes one line that names the options."""
        try:
            return build(**arguments, **options)
        except AttributionLabError:
            raise
        except Exception as error:
            spec = format_spec(getattr(kind, "name", kind.__name__), options)
            raise bad_option(self.kind, "accept its options", spec, error_line(error)) from error

    def _parse(self, text: str) -> Spec | Address:
        """Parse a spec, or an address if the catalog accepts functions."""
        if self.rules.wrapper is not None:
            address = parse_address(text)
            if address is not None:
                return address
            if not text.strip() or text.endswith(".py"):
                raise bad_option(self.kind, NAME_OR_ADDRESS, text)
        return parse_spec(text)

    def _from_address(self, text: str, address: Address, options: Mapping[str, object]) -> Any:
        """Build from the address of a function, or of something that can be adapted."""
        adapted = self.rules.adapted(text, options)  # a name as `captum:Saliency`, which is no address of a module
        if adapted is not None:
            return adapted
        function = load_function(str(address), self.kind, may_be_object=self.rules.adapter is not None)
        written = parse_options(address.options or "")
        adapted = self.rules.adapted(function, join_options(options, written, text), str(address))
        if adapted is not None:
            return adapted
        if isinstance(function, type):
            hint = f"a class is registered under its name, by attributionlab.register_{self.kind} or an entry point"
            raise bad_option(self.kind, "name a function", text, hint)
        if not callable(function):
            raise bad_option(self.kind, "name a function", text)
        if options or written:
            raise bad_option("options", f"be empty for a function ({address})", options or address.options)
        return self.rules.wrap(function, text)

    def _converted(self, kind: type, options: Mapping[str, object]) -> dict[str, Any]:
        """Options converted to the types of a class."""
        name = getattr(kind, "name", kind.__name__)
        return convert_options(kind, options, f"attributionlab list {self.plural} {name}")

    def _add(self, name: str, entry: Any) -> None:
        """Add an entry under a free name."""
        self.rules.check(self.kind, name, entry)
        if name in self.built_in or name in self.reserved or self.entries.get(name, entry) is not entry:
            owner = "attributionlab itself" if name in (*self.built_in, *self.reserved) else _origin(self.entries[name])
            raise bad_option("name", f"not be registered as a {self.kind} already", name, f"it is taken by {owner}")
        self.entries[name] = entry

    def _pending(self) -> dict[str, importlib.metadata.EntryPoint]:
        """Entry points of installed packages that have not been loaded."""
        if self._points is not None:
            return self._points
        points = importlib.metadata.entry_points(group=self.group)
        ours = [point for point in points if point.name in self.built_in or point.name in self.reserved]
        pending: dict[str, importlib.metadata.EntryPoint] = {}
        self._points = pending
        for point in points:
            if point not in ours:
                pending.setdefault(point.name, point)
        for point in ours:
            self._warn(point, "the name is taken by attributionlab itself")
        for point in points:
            if point not in ours and pending[point.name].value != point.value:
                self._warn(point, f"the name is taken by {_package(pending[point.name])}")
        return pending

    def _load(self, name: str, warn: Callable[[importlib.metadata.EntryPoint, str], None] | None = None) -> None:
        """Add the entry of an entry point; if it is unusable, remember the reason and warn."""
        point = self._pending().pop(name)
        try:
            self._add(name, point.load())
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  # the code of another package may raise anything
            reason = error_line(error)
            self._broken[name] = f"{_package(point)} registers it, but {_on_one_line(reason)}"
            if warn is not None:
                warn(point, reason)

    def _warn(self, point: importlib.metadata.EntryPoint, reason: str) -> None:
        """Warn about an unusable entry point."""
        text = f"the {self.kind} {point.name!r} of {_package(point)} cannot be used: {_on_one_line(reason)}"
        warnings.warn_explicit(
            text, PluginWarning, filename="attributionlab", lineno=0
        )  # the warning concerns no line of our code

    def _unknown(self, name: str) -> UnknownName:
        """The error for a name without a usable entry."""
        if name in self._broken:
            return UnknownName(f"`{self.kind}` must be usable, got {name!r}; {self._broken[name]}")
        listing = f"attributionlab list {self.plural}"
        module, dot, function = name.rpartition(".")
        if dot and self.rules.wrapper is not None and module.replace(".", "").isidentifier():
            hint = f"a function is written package.module:function, here {module}:{function}"
            return UnknownName(f"`{self.kind}` must be a known name, got {value_text(name)}; {hint}")
        if name.casefold() in self.hints:
            hint = self.hints[name.casefold()]
            return UnknownName(f"`{self.kind}` must be a known name, got {value_text(name)}; {hint}")
        return unknown_name(self.kind, name, self.names, aliases=self.aliases, listing=listing)


def _package(point: importlib.metadata.EntryPoint) -> str:
    """The package and the address of an entry point."""
    distribution = getattr(point, "dist", None)
    owner = f"package {distribution.name}" if distribution is not None else "an installed package"
    return f"{owner} ({point.value})"


def _origin(entry: object) -> str:
    """The qualified name of an entry."""
    return f"{getattr(entry, '__module__', '?')}.{getattr(entry, '__qualname__', type(entry).__qualname__)}"


def _on_one_line(text: str) -> str:
    """Text in one line of limited length."""
    words = " ".join(text.split())
    return words if len(words) <= 300 else f"{words[:300]}..."
