#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/batch/partition_head.h"
#include "catchwater/raw/raw_folder.h"
#include "catchwater/raw/raw_name.h"
#include "catchwater/raw/raw_writer.h"
#include "catchwater/testing/faulty_files.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kHourUs = 3'600'000'000;
constexpr int64_t kStartUs = 1'767'600'000'000'000;  // 2026-01-05T08:00:00Z

Block BytesBlock(int64_t partition_id, const std::string& bytes, const std::string& head = "",
                 int64_t receive_us = kStartUs) {
  Block block;
  block.origin.range.partition_id = partition_id;
  block.origin.receive_us = receive_us;
  block.bytes = arrow::Buffer::FromString(bytes);
  block.attributes = std::make_shared<const Attributes>(
      Attributes{{"path.stem", "a"}, {std::string(kHeadAttribute), head}});
  return block;
}

Block FramesBlock(const std::vector<std::string>& frames) {
  std::string bytes;
  Block block = BytesBlock(1, "");
  for (const std::string& frame : frames) {
    bytes += frame;
    block.frame_ends.push_back(static_cast<int64_t>(bytes.size()));
  }
  block.bytes = arrow::Buffer::FromString(bytes);
  return block;
}

class RawTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(Folder().Prepare().ok()); }

  RawFolder Folder() { return RawFolder("raw", files_); }
  RawOptions Options(int64_t epoch = 1) {
    return {.folder = "raw",
            .lease = "pipeline/p",
            .epoch = epoch,
            .uuid = "0000000" + std::to_string(++writer_count_)};
  }

  std::vector<RawSegment> Written(const std::vector<Block>& blocks, RawOptions options) {
    RawWriter writer(std::move(options), files_);
    for (const Block& block : blocks) EXPECT_TRUE(writer.Add(block).ok());
    return writer.CloseShare().ValueOrDie();
  }

  static std::vector<std::string> Names(const std::vector<RawSegment>& segments) {
    std::vector<std::string> names;
    for (const RawSegment& segment : segments) names.push_back(segment.name);
    return names;
  }

  /// Writes and publishes; as a commit does it.
  void Keep(const std::vector<Block>& blocks) {
    auto segments = Written(blocks, Options());
    RawFolder folder = Folder();
    ASSERT_TRUE(folder.MakeDurable(&segments).ok());
    ASSERT_TRUE(folder.Publish(Names(segments)).ok());
  }

  /// (extension, content) of all files below the folder, by name.
  std::vector<std::pair<std::string, std::string>> Contents(const std::string& path = "raw") {
    std::vector<std::pair<std::string, std::string>> all;
    for (const FileEntry& entry : memory_.List(path).ValueOrDie()) {
      if (entry.is_directory) {
        const auto below = Contents(entry.path);
        all.insert(all.end(), below.begin(), below.end());
      } else {
        all.emplace_back(entry.path.substr(entry.path.find('.') + 1),
                         memory_.ReadAll(entry.path, 1 << 20).ValueOrDie());
      }
    }
    return all;
  }

  size_t PendingCount() { return memory_.List("raw/.pending").ValueOrDie().size(); }

  MemoryFiles memory_;
  FaultyFiles files_{memory_};
  int writer_count_ = 0;
};

using Pair = std::pair<std::string, std::string>;

TEST(RawName, IsReadBackAndSortsByTime) {
  const RawName name{.first_us = kStartUs + 1,
                     .lease_hash = 0xab,
                     .epoch = 12,
                     .uuid = "0123abcd",
                     .number = 7,
                     .extension = "lines.zst"};
  EXPECT_EQ(name.ToString(), "20260105T080000000001Z-000000ab-12-0123abcd-000007.lines.zst");
  EXPECT_EQ(ReadRawName(name.ToString()), name);
  EXPECT_EQ(HourFolder(name.first_us), "date=2026-01-05/hour=08");
}

TEST(RawName, RefusesWhatIsNotOurs) {
  for (const char* text : {"", "a.raw", "20260105T080000000001Z-000000ab-12-0123abcd-000007.csv",
                           "20261305T080000000001Z-000000ab-12-0123abcd-000007.raw",
                           "20260105T240000000001Z-000000ab-12-0123abcd-000007.raw",
                           "20260105T080000000001Z-000000ab--2-0123abcd-000007.raw",
                           "20260105T080000000001Z-000000ab-12-0123abcd.raw",
                           "20260105T080000000001Z-000000xb-12-0123abcd-000007.raw"}) {
    EXPECT_FALSE(ReadRawName(text)) << text;
  }
}

TEST(RawName, HourFoldersEndWhereTheNextBegins) {
  EXPECT_EQ(EndOfHourFolder("date=2026-01-05", "hour=08"), kStartUs + kHourUs);
  EXPECT_EQ(EndOfHourFolder("date=2026-01-05", ""), kStartUs + 16 * kHourUs);
  for (const auto& [date, hour] :
       {Pair{"date=2026-02-30", ""}, Pair{"date=2026-1-05", ""}, Pair{"2026-01-05", ""},
        Pair{"date=2026-01-05", "hour=24"}, Pair{"date=2026-01-05", "8"}}) {
    EXPECT_FALSE(EndOfHourFolder(date, hour)) << date << hour;
  }
}

TEST_F(RawTest, KeepsTheBytesOfAFileInTheOrderOfTheirReceipt) {
  Keep({BytesBlock(1, "a\nb\n"), BytesBlock(1, "c\n"), BytesBlock(1, "d")});
  EXPECT_THAT(Contents(), ElementsAre(Pair("raw", "a\nb\nc\nd")));
}

TEST_F(RawTest, WritesTheHeadOnceAndEndsTheLastLineOfAFile) {
  Keep({BytesBlock(1, "1,2", "x,y\n"), BytesBlock(2, "3,4\n", "x,y\n"),
        BytesBlock(3, "5\n", "z\n")});
  EXPECT_THAT(Contents(), ElementsAre(Pair("raw", "x,y\n1,2\n3,4\n"), Pair("raw", "z\n5\n")));
}

TEST_F(RawTest, KeepsDocumentsApart) {
  Keep({BytesBlock(1, "1]", "["), BytesBlock(2, "2]", "["), BytesBlock(1, " ", "[")});
  EXPECT_THAT(Contents(), ElementsAre(Pair("raw", "[1] "), Pair("raw", "[2]")));
}

TEST_F(RawTest, AMessageIsALineUnlessItHoldsLineEnds) {
  Keep({FramesBlock({"one", "two\n", "three\nfour", "", "five"})});
  EXPECT_THAT(Contents(), ElementsAre(Pair("lines", "one\ntwo\n\nfive\n"),
                                      Pair("frames", std::string("\x0a\0\0\0three\nfour", 14))));
}

TEST_F(RawTest, BeginsANewFileWithEachHourAndWhenOneIsFull) {
  Keep({BytesBlock(1, "a\n"), BytesBlock(1, "b\n", "", kStartUs + kHourUs)});
  EXPECT_EQ(memory_.List("raw/date=2026-01-05").ValueOrDie().size(), 2u);
  RawOptions options = Options();
  options.segment_bytes_max = 4;
  const auto segments = Written(
      {BytesBlock(1, "123\n"), BytesBlock(1, "5\n"), BytesBlock(1, "6\n"), BytesBlock(1, "7\n")},
      options);
  EXPECT_EQ(segments.size(), 3u) << "four bytes, twice two bytes, the rest";
}

TEST_F(RawTest, HoldsABoundedNumberOfFilesOpen) {
  std::vector<Block> blocks;
  for (int64_t i = 0; i < 100; ++i)
    blocks.push_back(BytesBlock(i, "v\n", std::to_string(i) + "\n"));
  auto segments = Written(blocks, Options());
  ASSERT_EQ(segments.size(), 100u);
  const auto is_open = [](const RawSegment& segment) { return segment.file != nullptr; };
  EXPECT_EQ(std::ranges::count_if(segments, is_open), 16);
}

TEST_F(RawTest, CompressedFilesAreReadBack) {
  RawOptions options = Options();
  options.compresses = true;
  auto segments = Written({BytesBlock(1, std::string(100'000, 'x') + "\n")}, options);
  ASSERT_TRUE(Folder().MakeDurable(&segments).ok());
  const auto file = memory_.OpenInput(PendingPath("raw", segments[0].name)).ValueOrDie();
  EXPECT_LT(file->GetSize().ValueOrDie(), 1'000);
  EXPECT_TRUE(segments[0].name.ends_with(".raw.zst"));
}

TEST_F(RawTest, NothingIsVisibleBeforeItIsPublished) {
  auto segments = Written({BytesBlock(1, "a\n")}, Options());
  ASSERT_TRUE(Folder().MakeDurable(&segments).ok());
  EXPECT_EQ(memory_.List("raw").ValueOrDie().size(), 1u);
  ASSERT_TRUE(Folder().Publish(Names(segments)).ok());
  EXPECT_EQ(PendingCount(), 0u);
  EXPECT_TRUE(Folder().Publish(Names(segments)).ok()) << "whoever took over moved it already";
}

TEST_F(RawTest, RecoveryPublishesWhatIsCommittedAndRemovesTheRest) {
  auto committed = Written({BytesBlock(1, "kept\n")}, Options());
  auto refused = Written({BytesBlock(1, "lost\n")}, Options());
  auto later = Written({BytesBlock(1, "of who took over\n")}, Options(/*epoch=*/2));
  RawOptions other = Options();
  other.lease = "pipeline/q";
  auto of_others = Written({BytesBlock(1, "of another\n")}, other);
  ASSERT_TRUE(memory_.WriteNew("raw/.pending/notes.txt", "mine").ok());
  for (auto* segments : {&committed, &refused, &later, &of_others}) {
    ASSERT_TRUE(Folder().MakeDurable(segments).ok());
  }
  ASSERT_TRUE(Folder().Recover({.lease = "pipeline/p", .epoch = 1}, {committed[0].name}).ok());
  EXPECT_EQ(PendingCount(), 3u);
  EXPECT_EQ(memory_.ReadAll("raw/date=2026-01-05/hour=08/" + committed[0].name, 100).ValueOrDie(),
            "kept\n");
}

TEST_F(RawTest, APowerLossAtAnyOperationLosesNothingThatWasCommitted) {
  for (int64_t k = 1;; ++k) {
    SCOPED_TRACE(k);
    MemoryFiles memory;
    FaultyFiles files(memory);
    ASSERT_TRUE(RawFolder("raw", files).Prepare().ok());
    RawOptions options = Options();
    RawWriter writer(options, files);
    ASSERT_TRUE(writer.Add(BytesBlock(1, "a\n")).ok());
    auto segments = writer.CloseShare().ValueOrDie();
    ASSERT_TRUE(RawFolder("raw", files).MakeDurable(&segments).ok());
    // The ledger has committed: the power goes at the k-th operation from here.
    files.FailOperation(k, EIO);
    const bool is_published = RawFolder("raw", files).Publish(Names(segments)).ok();
    const bool is_last = is_published && !files.has_failed();
    files.LosePower();
    RawFolder after("raw", memory);  // A program that starts anew, on a disk that works.
    ASSERT_TRUE(after.Prepare().ok());
    ASSERT_TRUE(after.Recover({.lease = "pipeline/p", .epoch = 1}, {segments[0].name}).ok());
    EXPECT_EQ(memory.ReadAll("raw/date=2026-01-05/hour=08/" + segments[0].name, 100).ValueOr("-"),
              "a\n");
    EXPECT_THAT(memory.List("raw/.pending").ValueOrDie(), IsEmpty());
    if (is_last) break;
  }
}

TEST_F(RawTest, AFullDiskIsAnErrorThatSaysSo) {
  files_.SetFreeBytes(3);
  RawWriter writer(Options(), files_);
  const auto status = writer.Add(BytesBlock(1, "abcdef\n"));
  EXPECT_TRUE(IsDiskFull(status)) << status;
}

TEST_F(RawTest, ExpiredHoursGoWithTheirFolders) {
  Keep({BytesBlock(1, "a\n"), BytesBlock(1, "b\n", "", kStartUs + kHourUs),
        BytesBlock(1, "c\n", "", kStartUs - 9 * kHourUs)});
  ASSERT_TRUE(memory_.WriteNew("raw/date=2026-01-05/hour=08/mine.txt", "").ok());
  RawFolder folder = Folder();
  EXPECT_EQ(folder.RemoveExpired(kStartUs + kHourUs, {}).ValueOrDie(), 1);
  EXPECT_EQ(folder.RemoveExpired(kStartUs + kHourUs + 1, {}).ValueOrDie(), 1);
  EXPECT_FALSE(memory_.Stat("raw/date=2026-01-04").ok()) << "the day before is empty and gone";
  EXPECT_TRUE(memory_.Stat("raw/date=2026-01-05/hour=08/mine.txt").ok()) << "not ours";
  EXPECT_THAT(memory_.List("raw/date=2026-01-05/hour=09").ValueOrDie(), ::testing::SizeIs(1));
}

TEST_F(RawTest, WithoutALeaseOnlyOldFilesAreRemoved) {
  RawOptions options = Options(/*epoch=*/0);
  Written({BytesBlock(1, "a\n")}, options);
  ASSERT_TRUE(Folder().RemovePendingBefore("pipeline/p", kStartUs).ok());
  EXPECT_EQ(PendingCount(), 1u);
  ASSERT_TRUE(Folder().RemovePendingBefore("pipeline/p", kStartUs + 1).ok());
  EXPECT_EQ(PendingCount(), 0u);
}

}  // namespace
}  // namespace catchwater
