"""Assertions that are left out, and failures that are expected."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from attributionlab.errors import bad_option, unknown_name
from attributionlab.specs.arguments import require_list, require_mapping, require_text


@dataclass(frozen=True)
class Expectations:
    """Assertions that are left out, and those that are expected to fail.

    Args:
        skip: Names of assertions that are not run.
        expect_fail: Reasons of expected failures, by the assertion's name.
    """

    skip: Collection[str] = ()
    expect_fail: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, skip: object, expect_fail: object, names: Collection[str]) -> Expectations:
        """Validate the arguments of `assert_all`.

        Raises:
            UnknownName: If there is no such assertion.
            BadOption: If `skip` is no list of names, `expect_fail` no dictionary of reasons, or a name is in both.
        """
        skipped = [require_text("skip", name) for name in require_list("skip", skip, "names of assertions")]
        expected = require_mapping("expect_fail", {} if expect_fail is None else expect_fail, "reasons by assertion")
        for option, chosen in (("skip", skipped), ("expect_fail", expected)):
            for name in chosen:
                if name not in names:
                    raise unknown_name(option, str(name), names)
        reasons = {name: require_text("expect_fail", reason, "have reasons") for name, reason in expected.items()}
        both = sorted(set(skipped) & set(reasons))
        if both:
            raise bad_option("expect_fail", "name other assertions than `skip`", both[0])
        return cls(tuple(skipped), reasons)

    def reason_to_skip(self, name: str) -> str | None:
        """Reason why an assertion is not run; None if it is."""
        return "left out by `skip`" if name in self.skip else None

    def divided(self, passed: Collection[str], failed: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Messages of failures, with those that hold against expectation, and reasons of the expected failures, by assertion."""
        unexpected = {
            name: f"holds, though it was expected to fail ({reason}): take it out of `expect_fail`"
            for name, reason in self.expect_fail.items()
            if name in passed
        }
        others = {name: message for name, message in failed.items() if name not in self.expect_fail}
        return others | unexpected, {name: self.expect_fail[name] for name in failed if name in self.expect_fail}
