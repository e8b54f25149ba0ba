#include "catchwater/source/postgres/replicate/copy_row.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Texts = std::vector<std::optional<std::string>>;

Texts Read(std::string_view line) {
  std::string scratch;
  const auto row = ParseCopyRow(line, &scratch);
  EXPECT_TRUE(row.ok()) << row.status();
  Texts texts;
  for (const PgValue& value : *row) {
    if (value.kind == PgValue::Kind::kNull) {
      texts.emplace_back();
    } else {
      texts.emplace_back(value.text);
    }
  }
  return texts;
}

TEST(CopyRow, ReadsValuesNullsAndEscapes) {
  EXPECT_EQ(Read("1\té\t\\N\t\n"), (Texts{"1", "é", std::nullopt, ""}));
  EXPECT_EQ(Read(""), (Texts{""}));
  EXPECT_EQ(Read("a\\tb\\n\\\\N\tx\\\\\\r\\b\\f\\v"), (Texts{"a\tb\n\\N", "x\\\r\b\f\v"}));
}

TEST(CopyRow, RefusesEscapesThatAreNone) {
  for (const std::string line : {"a\\", "\\x", "1\t\\N2"}) {
    std::string scratch;
    EXPECT_EQ(KindOf(ParseCopyRow(line, &scratch).status()), ErrorKind::kBadData) << line;
  }
}

}  // namespace
}  // namespace catchwater
