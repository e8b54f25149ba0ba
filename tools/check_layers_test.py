#!/usr/bin/env python3
"""Tests of tools/check_layers: each rule on a small tree that breaks it, and one that breaks none."""

import importlib.machinery
import importlib.util
import pathlib
import tempfile
import unittest

TOOL = pathlib.Path(__file__).resolve().parent / "check_layers"
loader = importlib.machinery.SourceFileLoader("check_layers", str(TOOL))
check_layers = importlib.util.module_from_spec(
    importlib.util.spec_from_loader("check_layers", loader)
)
loader.exec_module(check_layers)

LAYERS = """
[module.base]
meaning = "m"
may_use = []
[module.batch]
meaning = "m"
may_use = ["base"]
[module.component]
meaning = "m"
may_use = ["batch"]
[module."codec/csv"]
meaning = "m"
may_use = ["component"]
[module."codec/json"]
meaning = "m"
may_use = ["component"]
[module.testing]
meaning = "m"
may_use = ["*"]
"""
GOOD = {
    "src/catchwater/base/clock.h": "#pragma once\n#include <cstdint>\n",
    "src/catchwater/base/clock.cc": (
        '#include "catchwater/base/clock.h"\n\n#include <thread>\n\n#include <unistd.h>\n'
        "void f() { std::this_thread::sleep_for(t); }\n"
    ),
    "src/catchwater/codec/csv/csv_codec.cc": (
        '#include <string>\n\n#include <arrow/api.h>\n\n#include "catchwater/base/clock.h"\n'
        "// No sleep_for() here.\n"
    ),
    "src/catchwater/base/clock_test.cc": (
        '#include "catchwater/base/clock.h"\n\n#include <gtest/gtest.h>\n\n'
        '#include "catchwater/testing/fake_clock.h"\n'
    ),
    "src/catchwater/testing/fake_clock.h": '#include "catchwater/batch/batch.h"\n',
}


class CheckLayersTest(unittest.TestCase):
    def findings(
        self, changed: dict[str, str], layers: str = LAYERS, exceptions: str = ""
    ) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            files = {
                **GOOD,
                **changed,
                "layers.toml": layers,
                "tools/tidy_exceptions.toml": exceptions,
            }
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text, encoding="utf-8")
            return [str(finding) for finding in check_layers.check(root)[1]]

    def assert_found(self, start: str, part: str, changed: dict[str, str], **more: str) -> None:
        """Exactly one finding; it names the place and the way out."""
        found = self.findings(changed, **more)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(start), found[0])
        self.assertIn(part, found[0])

    def test_a_good_tree_has_no_findings(self):
        self.assertEqual(self.findings({}), [])

    def test_an_include_of_a_module_above_is_refused_with_the_allowed_ones(self):
        self.assert_found(
            "src/catchwater/batch/batch.h:2: [layers]",
            "batch may use: base",
            {
                "src/catchwater/batch/batch.h": '#pragma once\n#include "catchwater/component/codec.h"\n'
            },
        )

    def test_siblings_never_include_each_other(self):
        self.assert_found(
            "src/catchwater/codec/json/a.cc:1: [layers]",
            "siblings never include each other",
            {"src/catchwater/codec/json/a.cc": '#include "catchwater/codec/csv/csv_codec.h"\n'},
        )

    def test_an_include_of_an_unknown_module_is_refused(self):
        self.assert_found(
            "src/catchwater/base/a.h:1: [layers]",
            "is in no module",
            {"src/catchwater/base/a.h": '#include "catchwater/nowhere/a.h"\n'},
        )

    def test_a_folder_without_an_entry_is_refused(self):
        self.assert_found(
            "src/catchwater/lake/a.h:1: [layers]",
            "add its folder",
            {"src/catchwater/lake/a.h": "\n"},
        )

    def test_testing_is_for_tests_only(self):
        self.assert_found(
            "src/catchwater/base/a.cc:1: [layers]",
            "for tests only",
            {"src/catchwater/base/a.cc": '#include "catchwater/testing/fake_clock.h"\n'},
        )

    def test_an_internal_header_is_private_to_its_module(self):
        self.assert_found(
            "src/catchwater/batch/a.cc:1: [layers]",
            "private to base",
            {"src/catchwater/batch/a.cc": '#include "catchwater/base/clock_internal.h"\n'},
        )

    def test_a_test_may_be_above_its_own_edges_only_through_testing(self):
        self.assert_found(
            "src/catchwater/base/a_test.cc:1: [layers]",
            "batch is above base",
            {"src/catchwater/base/a_test.cc": '#include "catchwater/batch/batch.h"\n'},
        )

    def test_programs_outside_src_may_include_everything(self):
        self.assertEqual(
            self.findings({"bench/a_bench.cc": '#include "catchwater/codec/csv/csv.h"\n'}), []
        )

    def test_a_cycle_is_named(self):
        layers = LAYERS.replace(
            '[module.base]\nmeaning = "m"\nmay_use = []',
            '[module.base]\nmeaning = "m"\nmay_use = ["batch"]',
        )
        self.assertIn(
            "layers.toml:1: [layers] cycle: base -> batch -> base; cut one edge",
            self.findings({}, layers=layers),
        )

    def test_an_edge_to_nothing_and_to_a_sibling_are_refused(self):
        self.assert_found(
            "layers.toml:1",
            "which is no module",
            {},
            layers=LAYERS.replace('["batch"]', '["batch", "absent"]'),
        )
        self.assert_found(
            "layers.toml:1",
            "its sibling codec/json",
            {},
            layers=LAYERS.replace('["component"]', '["component", "codec/json"]', 1),
        )

    def test_the_own_header_comes_first(self):
        self.assert_found(
            "src/catchwater/base/clock.cc:2: [order]",
            "own header",
            {
                "src/catchwater/base/clock.cc": '#include <string>\n#include "catchwater/base/clock.h"\n'
            },
        )

    def test_the_groups_of_includes_keep_their_order(self):
        for early, late in [
            ("<arrow/api.h>", "<string>"),
            ('"catchwater/base/clock.h"', "<arrow/api.h>"),
            ('"catchwater/base/clock.h"', "<vector>"),
        ]:
            with self.subTest(late=late):
                self.assert_found(
                    "src/catchwater/base/a.cc:2: [order]",
                    "stands after",
                    {"src/catchwater/base/a.cc": f"#include {early}\n#include {late}\n"},
                )

    def test_a_quoted_include_is_ours(self):
        self.assert_found(
            "src/catchwater/base/a.cc:1: [include]",
            "write <clock.h>",
            {"src/catchwater/base/a.cc": '#include "clock.h"\n'},
        )

    def test_sizes_are_limited_at_their_bounds(self):
        for path, limit in [("base/a.h", 200), ("base/a.cc", 500), ("base/a_test.cc", 500)]:
            path = f"src/catchwater/{path}"
            with self.subTest(path=path):
                self.assertEqual(self.findings({path: "\n" * limit}), [])
                self.assert_found(
                    f"{path}:{limit + 1}: [size]", "split it", {path: "\n" * (limit + 1)}
                )

    def test_an_exception_raises_a_limit_only_as_far_as_it_says(self):
        path = "src/catchwater/base/a.h"
        exception = (
            f'[[exception]]\npath = "{path}"\nrule = "size"\nlines_max = 250\nreason = "table"\n'
        )
        self.assertEqual(self.findings({path: "\n" * 250}, exceptions=exception), [])
        self.assert_found(f"{path}:251", "at most 250", {path: "\n" * 251}, exceptions=exception)

    def test_an_exception_that_is_not_needed_or_not_explained_fails(self):
        path = "src/catchwater/base/clock.h"
        exception = f'[[exception]]\npath = "{path}"\nrule = "order"\nreason = "table"\n'
        self.assert_found("tools/tidy_exceptions.toml", "remove it", {}, exceptions=exception)
        unexplained = '[[exception]]\npath = "src/catchwater/base/utils.h"\nrule = "name"\n'
        self.assert_found(
            "tools/tidy_exceptions.toml",
            "give one",
            {"src/catchwater/base/utils.h": "\n"},
            exceptions=unexplained,
        )

    def test_names_that_say_nothing_are_refused(self):
        for text, path in [
            ("class Manager {", "base/a.h"),
            ("struct Data final {", "base/a.h"),
            ("namespace helpers {", "base/a.h"),
            ("", "base/utils.h"),
            ("", "base/common/a.h"),
        ]:
            with self.subTest(text=text, path=path):
                self.assert_found(
                    f"src/catchwater/{path}:1: [name]",
                    "name the concept",
                    {f"src/catchwater/{path}": f"{text}\n"},
                )

    def test_a_name_that_only_contains_such_a_word_passes(self):
        self.assertEqual(
            self.findings({"src/catchwater/base/a.h": "struct DataFile {\n// class Manager {\n"}),
            [],
        )

    def test_two_types_of_one_name_are_refused(self):
        for text in ["struct Found {", "class Found final : public B {", "enum class Found : int {"]:
            with self.subTest(text=text):
                self.assert_found(
                    "src/catchwater/batch/b.h:2: [twin]",
                    "src/catchwater/base/a.h:1",
                    {
                        "src/catchwater/base/a.h": "struct Found {\n",
                        "src/catchwater/batch/b.h": f"\n{text}\n",
                    },
                )
        self.assertEqual(
            self.findings(
                {
                    "src/catchwater/base/a.h": "struct Found {\n",
                    "src/catchwater/batch/b.h": "struct Found;\nstruct Found::B {\n  struct Found {\n",
                }
            ),
            [],
        )

    def test_time_and_threads_go_through_their_owners(self):
        for code, part in [
            ("std::this_thread::sleep_for(a);", "Clock::SleepMicros"),
            ("std::chrono::system_clock::now();", "Clock::NowMicros"),
            ("thread.detach();", "std::jthread"),
        ]:
            with self.subTest(code=code):
                self.assert_found(
                    "src/catchwater/base/a.cc:2: [clock]",
                    part,
                    {"src/catchwater/base/a.cc": f"\n{code}\n"},
                )

    def test_unfinished_marks_do_not_reach_main(self):
        self.assert_found(
            "src/catchwater/base/a.cc:1: [words]",
            "TODO(issue-number)",
            {"src/catchwater/base/a.cc": "// FIX" + "ME\n"},
        )


if __name__ == "__main__":
    unittest.main()
