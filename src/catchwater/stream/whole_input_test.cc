#include "catchwater/stream/whole_input.h"

#include <memory>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/base/random.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Schema> InputSchema() {
  return arrow::schema({arrow::field("sensor", arrow::utf8()), arrow::field("day", arrow::date32()),
                        arrow::field("n", arrow::int64()), arrow::field("level", arrow::float64()),
                        arrow::field("note", arrow::utf8())});
}

/// Random rows with nulls in every column; small whole numbers, so that sums are exact.
Batch RandomRows(Random* random, int64_t row_count, uint64_t ordinal) {
  auto made = arrow::RecordBatchBuilder::Make(InputSchema(), arrow::default_memory_pool());
  auto& builder = **made;
  for (int64_t i = 0; i < row_count; ++i) {
    const auto put = [&](auto* column, auto value) {
      EXPECT_TRUE((random->Below(10) == 0 ? column->AppendNull() : column->Append(value)).ok());
    };
    put(builder.GetFieldAs<arrow::StringBuilder>(0), "s" + std::to_string(random->Below(20)));
    put(builder.GetFieldAs<arrow::Date32Builder>(1), static_cast<int32_t>(random->Below(3)));
    put(builder.GetFieldAs<arrow::Int64Builder>(2),
        static_cast<int64_t>(random->Below(1'000)) - 500);
    put(builder.GetFieldAs<arrow::DoubleBuilder>(3), static_cast<double>(random->Below(100)));
    put(builder.GetFieldAs<arrow::StringBuilder>(4), std::to_string(random->Below(50)));
  }
  Batch batch;
  batch.rows = builder.Flush().ValueOrDie();
  batch.origin.range.partition_id = 1;
  batch.origin.range.from.ordinal = ordinal;
  return batch;
}

KeyedAggregateOptions AllAggregates(std::vector<std::string> key) {
  KeyedAggregateOptions options{.key = std::move(key)};
  for (const char* text : {"count()", "count(n)", "sum(n)", "sum(level)", "mean(n)", "min(n)",
                           "max(level)", "min(note)", "variance(n)", "stddev(level)", "first(note)",
                           "last(n)", "median(n)", "quantile(0.9, level)", "distinct(note)"}) {
    Aggregate aggregate = ParseAggregate(text).ValueOrDie();
    aggregate.name = text;
    options.compute.push_back(std::move(aggregate));
  }
  return options;
}

std::unique_ptr<WholeInput> MakeOperator(std::vector<std::string> key = {"sensor", "day"}) {
  return WholeInput::Make(AllAggregates(std::move(key)), InputSchema()).ValueOrDie();
}

std::shared_ptr<arrow::RecordBatch> End(StreamOperator* op) {
  return op->AdvanceTo(StreamOperator::kEndOfInputUs).ValueOrDie().at(0);
}

TEST(WholeInput, ClosesItsOneWindowAtTheEndOfTheInputOnly) {
  Random random(1);
  auto op = MakeOperator();
  EXPECT_EQ(op->Add(RandomRows(&random, 100, 0)).ValueOrDie().used, 100);
  EXPECT_EQ(op->AdvanceTo(StreamOperator::kEndOfInputUs - 1).ValueOrDie().size(), 0);
  EXPECT_GT(End(op.get())->num_rows(), 0);
}

// Property: any cut into parts, merged and saved and loaded at any place, gives what one pass
// gives.
TEST(WholeInput, PartsAndRestartsDoNotChangeResults) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const std::vector<std::string> key =
        seed % 3 == 0 ? std::vector<std::string>{} : std::vector<std::string>{"sensor", "day"};
    auto whole = MakeOperator(key);
    auto restarted = MakeOperator(key);
    std::vector<std::string> saved;  // A base and the parts after it.
    for (uint64_t flush = 0; flush < 8; ++flush) {
      const Batch batch =
          RandomRows(&random, static_cast<int64_t>(random.Below(40)), flush * 1'000);
      auto part = restarted->NewPart().ValueOrDie();
      ASSERT_TRUE(whole->Add(batch).ok() && part->Add(batch).ok());
      ASSERT_TRUE(restarted->Merge(*part).ok());
      if (random.Below(3) == 0) {
        saved = {restarted->Save().ValueOrDie()};
      } else {
        saved.push_back(part->Save().ValueOrDie());
      }
      if (random.Below(2) == 0) {
        restarted = MakeOperator(key);
        for (const std::string& state : saved) ASSERT_TRUE(restarted->Load(state).ok());
      }
    }
    const auto expected = End(whole.get());
    const auto got = End(restarted.get());
    EXPECT_TRUE(got->ApproxEquals(*expected, arrow::EqualOptions::Defaults().atol(1e-9)))
        << got->ToString() << expected->ToString();
  }
}

TEST(WholeInput, ResultsOfAPartAreThoseOfItsKeysOverEverything) {
  Random random(3);
  auto op = MakeOperator({"sensor"});
  for (int i = 0; i < 5; ++i) {
    auto part = op->NewPart().ValueOrDie();
    ASSERT_TRUE(part->Add(RandomRows(&random, 8, static_cast<uint64_t>(i) * 100)).ok());
    ASSERT_TRUE(op->Merge(*part).ok());
    const auto changed = op->ResultsOf(*part).ValueOrDie();
    const auto all = End(op.get());
    const auto touched = End(part.get());
    ASSERT_EQ(changed->num_rows(), touched->num_rows());
    int64_t at = 0;
    for (int64_t row = 0; row < all->num_rows() && at < changed->num_rows(); ++row) {
      if (!all->column(0)->RangeEquals(*touched->column(0), row, row + 1, at)) continue;
      EXPECT_TRUE(all->Slice(row, 1)->Equals(*changed->Slice(at, 1)));
      ++at;
    }
    EXPECT_EQ(at, changed->num_rows());
  }
}

TEST(WholeInput, RefusesStateThatIsCutDamagedOrOfAnotherKind) {
  Random random(5);
  auto op = MakeOperator();
  ASSERT_TRUE(op->Add(RandomRows(&random, 30, 0)).ok());
  const std::string state = op->Save().ValueOrDie();
  for (size_t byte_count = 0; byte_count < state.size(); ++byte_count) {
    EXPECT_FALSE(MakeOperator()->Load(state.substr(0, byte_count)).ok()) << byte_count;
  }
  EXPECT_FALSE(MakeOperator()->Load(state + "x").ok());
  EXPECT_FALSE(MakeOperator({"sensor"})->Load(state).ok());
  // Whatever a flipped bit does, it must not crash; a checksum in the file tells it.
  for (size_t at = 0; at < state.size(); at += 3) {
    std::string damaged = state;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    (void)MakeOperator()->Load(damaged);
  }
}

}  // namespace
}  // namespace catchwater
