#include "catchwater/sql/sql_rules.h"

#include <map>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/batch/select_rows.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("n", arrow::int64()), arrow::field("s", arrow::utf8())});
}

/// n = 0, 1, 2, ... with nulls; s = "0", "1", ... with some that are no number.
Batch MakeBatch(Random& random, int64_t row_count) {
  arrow::Int64Builder n;
  arrow::StringBuilder s;
  arrow::UInt64Builder ordinals;
  for (int64_t i = 0; i < row_count; ++i) {
    EXPECT_TRUE((random.Below(6) == 0 ? n.AppendNull() : n.Append(i)).ok());
    EXPECT_TRUE(s.Append(random.Below(9) == 0 ? "none" : std::to_string(random.Below(50))).ok());
    EXPECT_TRUE(ordinals.Append(static_cast<uint64_t>(100 + i)).ok());
  }
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(Schema(), row_count,
                                        {n.Finish().ValueOrDie(), s.Finish().ValueOrDie()});
  batch.frame_ordinals = ordinals.Finish().ValueOrDie();
  return batch;
}

std::map<std::string, int64_t> Counts(const Split& split) {
  std::map<std::string, int64_t> counts;
  for (const Tally& tally : split.tallies) {
    EXPECT_EQ(tally.bucket, Bucket::kFiltered);
    counts[tally.reason] += tally.row_count;
  }
  for (const DeadLetter& letter : split.dead) ++counts["dead " + letter.rule];
  counts["good"] = split.good.rows->num_rows();
  return counts;
}

const std::vector<SqlRule> kMixed = {
    {"select[0]", "n IS NOT NULL", ""},
    {"select[1]", "n % 7 <> 0", ""},
    {"derive[2].m", "CAST(s AS INTEGER) + n", "m"},
    {"select[3]", "m < 120", ""},
    {"derive[4].s", "'#' || s", "s"},
    {"select[5]", "s <> '#3'", ""},
    {"select[6]", "n >= 4", ""},
};

std::unique_ptr<SqlRules> Make(const std::vector<SqlRule>& rules,
                               const SqlRulesOptions& options = {}) {
  return SqlRules::Make(Schema(), rules, options).ValueOrDie();
}

TEST(SqlRules, CompileWhatStandsTogetherIntoOneStatement) {
  EXPECT_EQ(Make(kMixed)->statement_count(), 1U);
  EXPECT_EQ(Make({kMixed[0]})->statement_count(), 0U);
  EXPECT_FALSE(Make({kMixed[0]})->may_refuse_rows());
  EXPECT_EQ(Make({kMixed[1]})->statement_count(), 1U);
  EXPECT_TRUE(Make({kMixed[1]})->may_refuse_rows());
  EXPECT_EQ(Make(kMixed)->output_schema()->ToString(), "n: int64\ns: string\nm: int64");
}

// Law: fused, one by one, with and without native conditions, cut anywhere: the same rows, dead
// letters and counts.
TEST(SqlRules, GiveTheSameHoweverTheyAreRun) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Batch batch = MakeBatch(random, static_cast<int64_t>(random.Below(200)));
    const Split fused = Make(kMixed)->Apply(batch).ValueOrDie();
    const Split by_duckdb = Make(kMixed, {.simple_conditions = false})->Apply(batch).ValueOrDie();

    Split one_by_one;
    one_by_one.good = batch;
    auto schema = Schema();
    for (const SqlRule& rule : kMixed) {
      auto rules = SqlRules::Make(schema, {rule}).ValueOrDie();
      Split step = rules->Apply(one_by_one.good).ValueOrDie();
      one_by_one.good = step.good;
      for (auto& letter : step.dead) one_by_one.dead.push_back(letter);
      for (auto& tally : step.tallies) one_by_one.tallies.push_back(tally);
      schema = rules->output_schema();
    }
    std::map<std::string, int64_t> cut_counts;
    auto rules = Make(kMixed);
    for (int64_t row = 0; row < batch.rows->num_rows(); row += 37) {
      const int64_t row_count = std::min<int64_t>(37, batch.rows->num_rows() - row);
      const Split part = rules->Apply(SliceBatch(batch, row, row_count)).ValueOrDie();
      for (const auto& [name, count] : Counts(part)) cut_counts[name] += count;
    }
    if (batch.rows->num_rows() == 0) cut_counts["good"] = 0;

    const auto want = Counts(one_by_one);
    EXPECT_EQ(Counts(fused), want);
    EXPECT_EQ(Counts(by_duckdb), want);
    EXPECT_EQ(cut_counts, want);
    EXPECT_TRUE(fused.good.rows->Equals(*one_by_one.good.rows));
    EXPECT_TRUE(by_duckdb.good.rows->Equals(*one_by_one.good.rows));
    EXPECT_TRUE(fused.good.frame_ordinals->Equals(one_by_one.good.frame_ordinals));
    int64_t total = 0;
    for (const auto& [name, count] : want) total += count;
    EXPECT_EQ(total, batch.rows->num_rows());
  }
}

TEST(SqlRules, RefuseRowsWithTheirPlaceAndReason) {
  Random random(3);
  const Batch batch = MakeBatch(random, 100);
  const Split split = Make({{"derive[0].m", "CAST(s AS INTEGER)", "m"}})->Apply(batch).ValueOrDie();
  ASSERT_FALSE(split.dead.empty());
  const DeadLetter& letter = split.dead.front();
  EXPECT_EQ(letter.rule, "derive[0].m");
  EXPECT_EQ(letter.field, "m");
  EXPECT_NE(letter.reason.find("'none'"), std::string::npos) << letter.reason;
  const auto row = static_cast<int64_t>(letter.frame_ordinal - 100);
  EXPECT_EQ(static_cast<const arrow::StringArray&>(*batch.rows->column(1)).GetView(row), "none");
}

TEST(SqlRules, AddTheirColumnsToNoRows) {
  Batch batch;
  batch.rows = arrow::RecordBatch::MakeEmpty(Schema()).ValueOrDie();
  const Split split = Make(kMixed)->Apply(batch).ValueOrDie();
  EXPECT_TRUE(split.good.rows->schema()->Equals(*Make(kMixed)->output_schema()));
  EXPECT_TRUE(split.tallies.empty());
}

TEST(SqlRules, CompileMoreRulesThanOneStatementHolds) {
  std::vector<SqlRule> rules;
  for (int i = 0; i < 60; ++i) rules.push_back({"select", "n + 0 <> " + std::to_string(i), ""});
  const auto made = Make(rules);
  EXPECT_EQ(made->statement_count(), 2U);
  Random random(1);
  EXPECT_EQ(made->Apply(MakeBatch(random, 50)).ValueOrDie().good.rows->num_rows(), 0);
}

TEST(SqlRules, SeeColumnsThatWereDerivedBefore) {
  const auto rules = Make({{"derive[0].m", "n * 2", "m"}, {"select[1]", "m = 4", ""}});
  Random random(11);
  const Split split = rules->Apply(MakeBatch(random, 5)).ValueOrDie();
  EXPECT_LE(split.good.rows->num_rows(), 1);
  EXPECT_EQ(KindOf(SqlRules::Make(Schema(), {{"select[0]", "m = 4", ""}}).status()),
            ErrorKind::kConfig);
}

}  // namespace
}  // namespace catchwater
