#include "catchwater/source/postgres/replicate/change_json.h"

#include <optional>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

constexpr ChangeHead kHead{.op = "update", .lsn = 5, .seq = 2, .commit_us = 1'500'000};
constexpr std::string_view kHeadText =
    R"({"op":"update","lsn":5,"seq":2,"commit_time":"1970-01-01T00:00:01.5Z")";

PgValue Value(std::string_view text) { return {.kind = PgValue::Kind::kText, .text = text}; }
constexpr PgValue kUnchanged{.kind = PgValue::Kind::kUnchanged};

std::string Row(const std::vector<ReplicatedColumn>& columns, const PgTuple& row,
                const PgTuple* before = nullptr, bool is_key_only = false) {
  ChangeJson json("");
  json.SetColumns(columns);
  const std::string text(json.Row(kHead, row, before, is_key_only));
  EXPECT_TRUE(text.starts_with(kHeadText)) << text;
  return text.substr(kHeadText.size());
}

struct FormCase {
  uint32_t type_oid;
  std::string_view text;
  std::string_view json;
};

TEST(ChangeJson, WritesValuesAsRowToJsonDoes) {
  const std::vector<FormCase> cases = {
      {16, "t", "true"},
      {16, "f", "false"},
      {20, "-5", "-5"},
      {1700, "123456789.001", "123456789.001"},
      {1700, "NaN", R"("NaN")"},
      {701, "1e+300", "1e+300"},
      {701, "-Infinity", R"("-Infinity")"},
      {3802, R"({"a": [1]})", R"({"a": [1]})"},
      {25, "a \"b\" \\ \n \t é", R"("a \"b\" \\ \u000a \u0009 é")"},
      {1114, "2026-01-02 03:04:05.5", R"("2026-01-02T03:04:05.5")"},
      {1184, "2026-01-02 03:04:05+00", R"("2026-01-02T03:04:05+00:00")"},
      {1184, "infinity", R"("infinity")"},
      {1184, "0044-03-15 00:00:00+00 BC", R"("0044-03-15 00:00:00+00 BC")"},
      {1082, "2026-01-02", R"("2026-01-02")"},
      {1007, "{1,2}", R"("{1,2}")"},
  };
  for (const FormCase& one : cases) {
    EXPECT_EQ(Row({{.name = "a", .form = JsonFormOf(one.type_oid)}}, {Value(one.text)}),
              ",\"a\":" + std::string(one.json) + "}");
  }
}

TEST(ChangeJson, NamesWhatIsNotKnown) {
  const std::vector<ReplicatedColumn> columns = {{.name = "a"}, {.name = "b \"x\""}};
  EXPECT_EQ(Row(columns, {Value("1"), kUnchanged}), R"(,"a":"1","unchanged":["b \"x\""]})");
  const PgTuple before = {Value("0"), Value("long")};
  EXPECT_EQ(Row(columns, {Value("1"), kUnchanged}, &before), R"(,"a":"1","b \"x\"":"long"})");
}

TEST(ChangeJson, LeavesOutWhatIsNotRead) {
  const std::vector<ReplicatedColumn> columns = {
      {.name = "a", .is_identity = true}, {.name = "b", .is_read = false}, {.name = "c"}};
  const PgTuple row = {Value("1"), Value("2"), PgValue{}};
  EXPECT_EQ(Row(columns, row), R"(,"a":"1","c":null})");
  EXPECT_EQ(Row(columns, row, nullptr, /*is_key_only=*/true), R"(,"a":"1"})");
}

TEST(ChangeJson, PutsThePrefixBefore) {
  ChangeJson json("x_");
  EXPECT_EQ(json.Mark(kHead),
            R"({"x_op":"update","x_lsn":5,"x_seq":2,"x_commit_time":"1970-01-01T00:00:01.5Z"})");
}

}  // namespace
}  // namespace catchwater
