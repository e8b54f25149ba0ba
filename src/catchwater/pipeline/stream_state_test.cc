#include "catchwater/pipeline/stream_state.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/pipeline/result_table.h"
#include "catchwater/stream/whole_input.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

using ::testing::SizeIs;

std::unique_ptr<MergingOperator> CountByName() {
  Aggregate count = ParseAggregate("count()").ValueOrDie();
  count.name = "n";
  return WholeInput::Make({.key = {"name"}, .compute = {count}},
                          arrow::schema({arrow::field("name", arrow::utf8())}))
      .ValueOrDie();
}

/// Rows with these names.
std::unique_ptr<MergingOperator> PartOf(const MergingOperator& whole,
                                        const std::vector<std::string>& names) {
  arrow::StringBuilder builder;
  EXPECT_TRUE(builder.AppendValues(names).ok());
  Batch batch;
  batch.rows =
      arrow::RecordBatch::Make(arrow::schema({arrow::field("name", arrow::utf8())}),
                               static_cast<int64_t>(names.size()), {builder.Finish().ValueOrDie()});
  auto part = whole.NewPart().ValueOrDie();
  EXPECT_TRUE(part->Add(batch).ok());
  return part;
}

std::function<arrow::Status(std::string_view)> LoadInto(MergingOperator& op) {
  return [&op](std::string_view state) { return op.Load(state); };
}

std::vector<std::string> ManyNames(int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back("name" + std::to_string(i));
  return names;
}

class StreamStateTest : public ::testing::Test {
 protected:
  /// One flush of an app, committed.
  void Flush(const std::vector<std::string>& names) {
    const auto part = PartOf(*whole_, names);
    ASSERT_TRUE(whole_->Merge(*part).ok());
    ++flush_count_;
    auto saved =
        state_.Save(std::to_string(flush_count_),
                    {.lake_rows = flush_count_ * 10, .revision = flush_count_}, *whole_, *part);
    ASSERT_TRUE(saved.ok()) << saved.status();
    state_.Committed(*saved);
  }

  MemoryFiles files_;
  StreamState state_{"app", files_};
  std::unique_ptr<MergingOperator> whole_ = CountByName();
  int64_t flush_count_ = 0;
};

TEST_F(StreamStateTest, APartCostsWhatItChangedAndFilesAreBounded) {
  Flush(ManyNames(1'000));
  const int64_t base_bytes = files_.Stat("app/1.base").ValueOrDie().byte_count;
  Flush({"name7"});
  EXPECT_LT(files_.Stat("app/2.part").ValueOrDie().byte_count, base_bytes / 10);
  for (int i = 0; i < 100; ++i) {
    Flush({"name" + std::to_string(i)});
    EXPECT_LE(state_.names().size(), StreamState::kFilesMax);
    EXPECT_THAT(files_.List("app").ValueOrDie(), SizeIs(state_.names().size()));
  }
  auto loaded = CountByName();
  StreamState other("app", files_);
  const auto head = other.Load(state_.names(), LoadInto(*loaded));
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->revision, 102);
  EXPECT_EQ(head->lake_rows, 1'020);
  EXPECT_TRUE(loaded->Current().ValueOrDie()->Equals(*whole_->Current().ValueOrDie()));
}

TEST_F(StreamStateTest, PartsAsLargeAsTheBaseBecomeABase) {
  Flush({"a"});
  Flush(ManyNames(100));
  Flush({"b"});
  EXPECT_THAT(state_.names(), ::testing::ElementsAre("3.base"));
}

TEST_F(StreamStateTest, ADamagedOrMissingFileIsTold) {
  Flush(ManyNames(10));
  const std::string bytes = files_.ReadAll("app/1.base", 1 << 20).ValueOrDie();
  for (size_t at = 0; at < bytes.size(); at += 7) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    files_.Put("app/1.base", damaged);
    auto loaded = CountByName();
    const auto head = StreamState("app", files_).Load({"1.base"}, LoadInto(*loaded));
    ASSERT_FALSE(head.ok()) << at;
    EXPECT_EQ(KindOf(head.status()), ErrorKind::kBadData);
  }
  auto loaded = CountByName();
  const auto gone = StreamState("app", files_).Load({"2.base"}, LoadInto(*loaded));
  EXPECT_EQ(KindOf(gone.status()), ErrorKind::kNotFound);
}

TEST_F(StreamStateTest, WhatWasNeverCommittedIsRemovedAtTheStart) {
  Flush({"a"});
  ASSERT_TRUE(files_.WriteNew("app/9-lost.part", "half").ok());
  ASSERT_TRUE(files_.WriteNew("app/notes.txt", "mine").ok());
  ASSERT_TRUE(state_.RemoveOthers().ok());
  EXPECT_THAT(files_.List("app").ValueOrDie(), SizeIs(2));
}

TEST(PackedState, GivesBackSmallAndLargeAndLargeIsSmaller) {
  for (const size_t byte_count : {0UL, 1UL, 65'535UL, 65'536UL, 1'000'000UL}) {
    std::string state;
    for (size_t i = 0; state.size() < byte_count; ++i) state += std::to_string(i * i) + ",";
    state.resize(byte_count);
    const PackedState packed = PackedState::Of(state).ValueOrDie();
    EXPECT_EQ(packed.Unpack().ValueOrDie(), state);
    if (byte_count > 65'535) {
      EXPECT_LT(packed.bytes.size(), byte_count / 2);
    }
  }
}

TEST(PackedState, WhatIsCutOrDamagedIsBadData) {
  const std::string bytes = PackedState::Of(std::string(100'000, 'x')).ValueOrDie().bytes;
  for (size_t length = 0; length < bytes.size(); ++length) {
    const auto state = PackedState{bytes.substr(0, length)}.Unpack();
    ASSERT_EQ(KindOf(state.status()), ErrorKind::kBadData) << length;
  }
  for (const char size : {'\x00', '\x7F'}) {  // Of the bytes before: fewer, and too many.
    std::string damaged = bytes;
    damaged[2] = size;
    damaged[7] = size;
    EXPECT_EQ(KindOf(PackedState{damaged}.Unpack().status()), ErrorKind::kBadData);
  }
}

TEST_F(StreamStateTest, ALargeStateIsCompressedAndLoads) {
  Flush(ManyNames(20'000));
  const std::string state = whole_->Save().ValueOrDie();
  const int64_t file_bytes = files_.Stat("app/1.base").ValueOrDie().byte_count;
  EXPECT_LT(file_bytes, static_cast<int64_t>(state.size()) / 2);
  auto loaded = CountByName();
  ASSERT_TRUE(StreamState("app", files_).Load(state_.names(), LoadInto(*loaded)).ok());
  EXPECT_TRUE(loaded->Current().ValueOrDie()->Equals(*whole_->Current().ValueOrDie()));
}

TEST(ResultTable, RowsHaveKeyWindowAndRevisionBeforeTheAggregates) {
  auto whole = CountByName();
  ASSERT_TRUE(whole->Merge(*PartOf(*whole, {"a", "b", "a"})).ok());
  const auto results = whole->Current().ValueOrDie();
  const auto rows = RevisionRows(*results, 1, 7, /*is_retracted=*/false).ValueOrDie();
  ASSERT_TRUE(rows->Validate().ok());
  EXPECT_THAT(
      rows->schema()->field_names(),
      ::testing::ElementsAre("name", "window_start", "window_end", "revision", "retracted", "n"));
  EXPECT_EQ(rows->num_rows(), 2);
  EXPECT_EQ(rows->column(3)->GetScalar(1).ValueOrDie()->ToString(), "7");
  const TableSpec spec = ResultTableSpec("s.t", *results->schema(), 1, "p");
  EXPECT_TRUE(spec.schema->Equals(*rows->schema()));
  EXPECT_EQ(spec.properties.at("catchwater.result-key"), "name\nwindow_start");
}

}  // namespace
}  // namespace catchwater
