#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/source/postgres/replicate/replication_fixture_test.h"
#include "catchwater/testing/pgoutput_bytes.h"
#include "catchwater/testing/source_conformance.h"

namespace catchwater {
namespace {

class SnapshotTest : public ReplicationSourceTest {
 protected:
  SnapshotTest() {
    config_.snapshot = true;
    config_.block_bytes = ByteSize{250};  // Some rows.
    for (int i = 0; i < 20; ++i) state_.rows.push_back({std::to_string(i), "a"});
  }
  static std::string SnapshotRow(int id, uint64_t lsn = 100) {
    std::string text = R"({"op":"snapshot","lsn":)" + std::to_string(lsn) +
                       R"(,"seq":0,"commit_time":"2026-01-01T00:00:00Z","id":)";
    return text + std::to_string(id) + R"(,"v":"a"})";
  }
  /// All that comes until nothing more is known, and every position that is told.
  Read Everything(Source& source, uint64_t ordinal = 0) {
    Read read;
    int idle_count = 0;
    for (int calls = 0; idle_count < 5 && calls < 10'000; ++calls) {
      auto next = source.Next({}).ValueOrDie();
      if (const auto* block = std::get_if<Block>(&next)) {
        EXPECT_EQ(block->origin.range.from.ordinal, ordinal);
        for (const auto& [at, bytes] : FramesOf(*block)) {
          EXPECT_EQ(at, ordinal++);
          read.rows.push_back(bytes);
        }
        read.ends.push_back(block->origin.range.to);
      } else if (const auto* skip = std::get_if<Skip>(&next)) {
        EXPECT_EQ(skip->to.ordinal, ordinal);
        lost_ += skip->frames_lost;
        read.ends.push_back(skip->to);
      } else if (std::get<NotYet>(next).is_caught_up) {
        ++idle_count;
      }
    }
    return read;
  }
  int64_t lost_ = 0;
};

TEST_F(SnapshotTest, RowsThatWereThereComeFirstThenChanges) {
  state_.is_copy_slow = true;
  const auto source = Opened();
  Write({pg_bytes::Insert(kOid, {"20", "b"})});  // While it is copied.
  const auto read = Everything(*source);
  ASSERT_EQ(read.rows.size(), 21U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(read.rows[static_cast<size_t>(i)], SnapshotRow(i));
  EXPECT_EQ(read.rows[20], RowText("insert", 100, 2, R"(,"id":20,"v":"b")"));
}

TEST_F(SnapshotTest, ResumesAnywhere) {
  const auto source = Opened();
  Write({pg_bytes::Insert(kOid, {"20", "b"}), pg_bytes::Insert(kOid, {"21", "b"})});
  const auto whole = Everything(*source);
  ASSERT_EQ(whole.rows.size(), 22U);
  ASSERT_GT(whole.ends.size(), 8U);
  for (const Position& end : whole.ends) {
    const auto rest = Everything(*Opened(end), end.ordinal).rows;
    const auto from = whole.rows.begin() + static_cast<std::ptrdiff_t>(end.ordinal);
    EXPECT_EQ(rest, std::vector<std::string>(from, whole.rows.end())) << end.token;
  }
  EXPECT_EQ(state_.slots.size(), 1U);
}

TEST_F(SnapshotTest, ACopyThatWasInterruptedIsBegunAnew) {
  state_.is_copy_slow = true;
  auto source = Opened();
  for (int i = 0; i < 7; ++i) static_cast<void>(source->Next({}).ValueOrDie());
  source.reset();
  state_.rows.erase(state_.rows.begin());
  state_.end = 200;
  const auto read = Everything(*Opened());
  ASSERT_EQ(read.rows.size(), 19U);
  EXPECT_EQ(read.rows[0], SnapshotRow(1, 200));
  EXPECT_EQ(state_.slots.size(), 1U) << "the first was dropped";
}

TEST_F(SnapshotTest, ItsFilesGoWhenItIsCommitted) {
  const auto source = Opened();
  const auto read = Everything(*source);
  const auto files = [&] {
    const auto entries = files_.List("/data/replication/My-orders");
    return entries.ok() ? entries->size() : 0;
  };
  ASSERT_TRUE(source->Acknowledge(1, read.ends[read.ends.size() - 2]).ok());
  EXPECT_GT(files(), 0U);
  ASSERT_TRUE(source->Acknowledge(1, read.ends.back()).ok());
  EXPECT_EQ(files(), 0U);
}

TEST_F(SnapshotTest, WhatIsLostIsTakenAnewIfAsked) {
  const auto read = Everything(*Opened());
  const Position end = read.ends.back();
  state_.slots.clear();
  state_.end = 300;
  state_.rows = {{"7", "a"}};
  EXPECT_EQ(KindOf(Make()->Open({}, 1, end)), ErrorKind::kConfig);
  config_.on_lost = OnLost::kResnapshot;
  const auto again = Everything(*Opened(end), end.ordinal);
  EXPECT_EQ(lost_, 1);
  ASSERT_EQ(again.rows.size(), 2U);
  EXPECT_TRUE(again.rows[0].starts_with(R"({"op":"truncate","lsn":299,"seq":0)")) << again.rows[0];
  EXPECT_EQ(again.rows[1], SnapshotRow(7, 300));
}

TEST_F(SnapshotTest, WithoutItsFilesItIsLost) {
  const auto read = Everything(*Opened());
  ASSERT_TRUE(SnapshotSpool::Remove(files_, "/data/replication/My-orders").ok());
  const auto refused = Make()->Open({}, 1, read.ends[2]);
  EXPECT_EQ(KindOf(refused), ErrorKind::kConfig);
  EXPECT_NE(refused.message().find("Snapshot of the table"), std::string::npos) << refused;
}

TEST_F(SnapshotTest, IsBounded) {
  config_.snapshot_bytes_max = ByteSize{1'000};
  const auto source = Opened();
  EXPECT_EQ(KindOf(NextOf(*source).status()), ErrorKind::kConfig);
}

TEST_F(SnapshotTest, ASlotThatIsThereHasNone) {
  state_.slots["mine"] = 40;
  config_.slot = "mine";
  const auto refused = Make()->Open({}, 1, {});
  EXPECT_EQ(KindOf(refused), ErrorKind::kConfig);
  EXPECT_NE(refused.message().find("`snapshot: false`"), std::string::npos) << refused;
}

}  // namespace
}  // namespace catchwater
