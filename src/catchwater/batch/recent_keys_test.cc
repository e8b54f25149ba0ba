#include "catchwater/batch/recent_keys.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Answer = RecentKeys::Answer;

/// Keys that the table cannot tell from hashes; small ones collide at their homes.
Hash128 Key(uint64_t number) { return {number * 0x9E3779B97F4A7C15ULL, number}; }

struct Row {
  uint64_t key;
  int64_t event_us;
};

std::vector<Answer> Add(RecentKeys& keys, const std::vector<Row>& rows) {
  std::vector<Hash128> hashes;
  std::vector<int64_t> times;
  for (const Row& row : rows) {
    hashes.push_back(Key(row.key));
    times.push_back(row.event_us);
  }
  std::vector<Answer> answers(rows.size());
  keys.Add(hashes, times, {}, answers);
  return answers;
}

/// The same rules, one map, no bound.
class SlowKeys {
 public:
  explicit SlowKeys(int64_t within_us) : within_us_(within_us) {}

  Answer Add(const Row& row) {
    greatest_us_ = std::max(greatest_us_, row.event_us);
    if (row.event_us < greatest_us_ - within_us_) return Answer::kTooOld;
    const auto found = first_us_.find(row.key);
    if (found != first_us_.end() && found->second >= greatest_us_ - within_us_) {
      return Answer::kAgain;
    }
    first_us_[row.key] = row.event_us;
    return Answer::kFirst;
  }

 private:
  int64_t within_us_;
  int64_t greatest_us_ = INT64_MIN / 2;
  std::map<uint64_t, int64_t> first_us_;
};

std::vector<Row> RandomRows(std::mt19937& random, size_t row_count, int64_t speed) {
  std::vector<Row> rows;
  int64_t now_us = 1'000;
  for (size_t i = 0; i < row_count; ++i) {
    now_us += static_cast<int64_t>(random() % static_cast<uint64_t>(speed));
    rows.push_back({random() % 3'000, now_us - static_cast<int64_t>(random() % 1'500)});
  }
  return rows;
}

TEST(RecentKeys, AnswerAsASlowMapDoes) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto rows = RandomRows(random, 20'000, 1 + static_cast<int64_t>(random() % 4));
    SlowKeys slow(1'000);
    std::vector<Answer> want;
    for (const Row& row : rows) want.push_back(slow.Add(row));

    RecentKeys keys({.within_us = 1'000});
    std::vector<Answer> got;
    for (size_t i = 0; i < rows.size();) {  // Any cut, commits anywhere.
      const size_t end = std::min(rows.size(), i + 1 + random() % 3'000);
      const auto part = Add(keys, {rows.begin() + static_cast<std::ptrdiff_t>(i),
                                   rows.begin() + static_cast<std::ptrdiff_t>(end)});
      got.insert(got.end(), part.begin(), part.end());
      if (random() % 2 == 0) keys.Commit();
      i = end;
    }
    ASSERT_EQ(got, want);
  }
}

TEST(RecentKeys, ForgetOnRollBackWhatCameSinceTheCommit) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto rows = RandomRows(random, 12'000, 2);
    RecentKeys straight({.within_us = 1'000});
    RecentKeys rolled({.within_us = 1'000});
    for (size_t i = 0; i + 2'000 <= rows.size(); i += 2'000) {
      const std::vector<Row> part(rows.begin() + static_cast<std::ptrdiff_t>(i),
                                  rows.begin() + static_cast<std::ptrdiff_t>(i + 2'000));
      Add(rolled, RandomRows(random, random() % 3'000, 3));  // Abandoned rows, other times too.
      rolled.RollBack();
      ASSERT_EQ(Add(rolled, part), Add(straight, part)) << i;
      rolled.Commit();
      straight.Commit();
    }
  }
}

TEST(RecentKeys, StayWithinTheirBoundAndForgetTheOldest) {
  RecentKeys keys({.key_count_max = 1'000});
  for (uint64_t i = 0; i < 50'000; ++i) {
    ASSERT_EQ(Add(keys, {{i, static_cast<int64_t>(i)}})[0], Answer::kFirst);
    ASSERT_LE(keys.key_count(), 1'000);
    if (i % 100 == 0) keys.Commit();
  }
  keys.Commit();
  EXPECT_GE(keys.key_count(), 800);
  EXPECT_LE(keys.memory_bytes(), 1'000 * 25 * 5 / 4 + 200 * 24 + 4'096);
  EXPECT_EQ(Add(keys, {{49'999, 49'999}})[0], Answer::kAgain);
  EXPECT_EQ(Add(keys, {{49'999 - 700, 49'999 - 700}})[0], Answer::kAgain);
  EXPECT_EQ(Add(keys, {{1, 1}})[0], Answer::kTooOld);
}

TEST(RecentKeys, SurviveManyKeysOfOneEventTime) {
  RecentKeys keys({.within_us = 10, .key_count_max = 100});
  for (uint64_t i = 0; i < 1'000; ++i) Add(keys, {{i, 5}});
  EXPECT_LE(keys.key_count(), 100);
  EXPECT_EQ(Add(keys, {{1'000'000, 6}})[0], Answer::kFirst);
}

TEST(RecentKeys, KnowAKeyUntilTheWindowHasPassed) {
  RecentKeys keys({.within_us = 100});
  EXPECT_EQ(Add(keys, {{1, 1'000}, {1, 1'100}, {1, 1'101}, {1, 1'102}}),
            (std::vector<Answer>{Answer::kFirst, Answer::kAgain, Answer::kFirst, Answer::kAgain}));
  EXPECT_EQ(Add(keys, {{2, 1'001}, {2, 1'002}}),
            (std::vector<Answer>{Answer::kTooOld, Answer::kFirst}));
}

TEST(RecentKeys, LeaveSkippedRowsOut) {
  RecentKeys keys({});
  const std::vector<Hash128> hashes = {Key(1), Key(1), Key(1)};
  const std::vector<int64_t> times = {1, 2, 3};
  const std::vector<uint8_t> skip = {1, 0, 0};
  std::vector<Answer> answers(3);
  keys.Add(hashes, times, skip, answers);
  EXPECT_EQ(answers, (std::vector<Answer>{Answer::kFirst, Answer::kFirst, Answer::kAgain}));
}

TEST(RecentKeys, TakeTheZeroHashForAKey) {
  RecentKeys keys({});
  EXPECT_EQ(Add(keys, {{0, 1}, {0, 2}}), (std::vector<Answer>{Answer::kFirst, Answer::kAgain}));
}

// ---- RowHasher

std::shared_ptr<arrow::RecordBatch> OneColumn(const std::shared_ptr<arrow::Array>& array) {
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("k", array->type())}),
                                  array->length(), {array});
}

std::vector<Hash128> Hashes(const std::shared_ptr<arrow::RecordBatch>& rows) {
  auto hasher = RowHasher::Make(*rows->schema(), rows->schema()->field_names()).ValueOrDie();
  std::vector<Hash128> hashes;
  hasher.Hash(*rows, hashes);
  return hashes;
}

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> Values(const std::vector<Value>& values) {
  Builder builder;
  EXPECT_TRUE(builder.AppendNull().ok());
  for (const Value& value : values) EXPECT_TRUE(builder.Append(value).ok());
  return builder.Finish().ValueOrDie();
}

TEST(RowHasher, IsNotChangedByWideningAColumn) {
  EXPECT_EQ(Hashes(OneColumn(Values<arrow::Int32Builder>(std::vector<int32_t>{-1, 7}))),
            Hashes(OneColumn(Values<arrow::Int64Builder>(std::vector<int64_t>{-1, 7}))));
  EXPECT_EQ(Hashes(OneColumn(Values<arrow::FloatBuilder>(std::vector<float>{-1.5F, 7}))),
            Hashes(OneColumn(Values<arrow::DoubleBuilder>(std::vector<double>{-1.5, 7}))));
}

TEST(RowHasher, TellsNullFromEmptyAndZero) {
  const auto texts = Hashes(OneColumn(Values<arrow::StringBuilder>(std::vector<std::string>{""})));
  EXPECT_NE(texts[0], texts[1]);
  const auto numbers = Hashes(OneColumn(Values<arrow::Int64Builder>(std::vector<int64_t>{0})));
  EXPECT_NE(numbers[0], numbers[1]);
}

TEST(RowHasher, TakesMinusZeroForZero) {
  const auto hashes =
      Hashes(OneColumn(Values<arrow::DoubleBuilder>(std::vector<double>{0.0, -0.0})));
  EXPECT_EQ(hashes[1], hashes[2]);
}

TEST(RowHasher, KeepsNeighbouringTextsApart) {
  arrow::StringBuilder a;
  arrow::StringBuilder b;
  ASSERT_TRUE(a.AppendValues({"ab", "a", ""}).ok());
  ASSERT_TRUE(b.AppendValues({"c", "bc", "abc"}).ok());
  const auto rows = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("a", arrow::utf8()), arrow::field("b", arrow::utf8())}), 3,
      {a.Finish().ValueOrDie(), b.Finish().ValueOrDie()});
  const auto hashes = Hashes(rows);
  EXPECT_NE(hashes[0], hashes[1]);
  EXPECT_NE(hashes[1], hashes[2]);
}

TEST(RowHasher, DoesNotDependOnTheCutOfBatches) {
  std::vector<std::string> texts;
  for (int i = 0; i < 3'000; ++i) texts.push_back(std::string(static_cast<size_t>(i % 40), 'x'));
  const auto rows = OneColumn(Values<arrow::StringBuilder>(texts));
  const auto whole = Hashes(rows);
  for (const int64_t row : {0, 1, 1'023, 1'024, 2'500}) {
    EXPECT_EQ(Hashes(rows->Slice(row, 1))[0], whole[static_cast<size_t>(row)]);
  }
}

TEST(RowHasher, RefusesWhatCannotBeAKey) {
  const auto schema = arrow::schema({arrow::field("l", arrow::list(arrow::int32()))});
  EXPECT_EQ(KindOf(RowHasher::Make(*schema, {"l"}).status()), ErrorKind::kConfig);
  EXPECT_EQ(KindOf(RowHasher::Make(*schema, {"x"}).status()), ErrorKind::kConfig);
}

}  // namespace
}  // namespace catchwater
