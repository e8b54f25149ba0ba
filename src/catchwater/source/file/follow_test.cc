// Followed files: growth, unfinished records, rotation, truncation, identity.

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/source/file/file_source.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/line_framer.h"
#include "catchwater/testing/memory_files.h"
#include "catchwater/testing/source_conformance.h"

namespace catchwater {
namespace {

class FollowTest : public ::testing::Test {
 protected:
  void SetUp() override {
    config_.follow = true;
    config_.path = ConfigNode::Scalar("in/*.log");
  }
  void Make(int64_t head_line_count = 0) {
    const SourceContext context{.files = files_,
                                .clock = clock_,
                                .random_seed = 0,
                                .project_folder = "",
                                .pipeline = "p",
                                .make_framer = [=]() -> arrow::Result<std::unique_ptr<Framer>> {
                                  return std::make_unique<LineFramer>(head_line_count);
                                },
                                .frame_bytes_max = 1'000};
    source_ = FileSource::Make(config_, context).ValueOrDie();
  }
  // Opens what is offered and was not open by its identity, as the ledger would have it.
  void OpenNew() {
    for (const Offer& offer : source_->Discover().ValueOrDie()) {
      const auto [known, is_new] =
          ids_.emplace(offer.file->head_hash, static_cast<int64_t>(ids_.size()) + 1);
      if (!is_new) continue;
      ASSERT_TRUE(source_->Open(offer, known->second, positions_[known->second]).ok());
    }
  }
  // Reads all that is there now: the text of each block, `end` or `failed: ...`.
  std::vector<std::string> Read() {
    std::vector<std::string> got;
    clock_.Advance(100'000);
    for (;;) {
      const NextResult next = NextOf(*source_, 5).ValueOrDie();
      if (const auto* block = std::get_if<Block>(&next)) {
        const bool is_rejected = !block->reject_reason.empty();
        got.push_back(is_rejected ? "rejected " + std::to_string(block->reject_bytes)
                                  : block->bytes->ToString());
        positions_[block->origin.range.partition_id] = block->origin.range.to;
      } else if (const auto* failed = std::get_if<PartitionFailed>(&next)) {
        got.push_back("failed: " + failed->reason);
      } else if (std::holds_alternative<PartitionEnd>(next)) {
        got.push_back("end");
      } else {
        return got;
      }
    }
  }
  using Texts = std::vector<std::string>;

  MemoryFiles files_;
  FakeClock clock_;
  FileSourceConfig config_;
  std::unique_ptr<Source> source_;
  std::map<std::string, int64_t> ids_;
  std::map<int64_t, Position> positions_;
};

TEST_F(FollowTest, DeliversWhatIsAppendedAndOnlyWholeRecords) {
  files_.Put("in/a.log", "one\ntwo\nthr");
  Make();
  OpenNew();
  EXPECT_EQ(Read(), Texts{"one\ntwo\n"});
  EXPECT_EQ(Read(), Texts{});
  files_.Append("in/a.log", "ee\nfo");
  EXPECT_EQ(Read(), Texts{"three\n"});
  files_.Append("in/a.log", "u");
  EXPECT_EQ(Read(), Texts{});
  files_.Append("in/a.log", "r\nfive\n");
  EXPECT_EQ(Read(), Texts{"four\nfive\n"});
}

TEST_F(FollowTest, IdentityStaysWhileItGrowsAndAfterARestart) {
  files_.Put("in/a.log", "one\n");
  Make();
  OpenNew();
  EXPECT_EQ(Read(), Texts{"one\n"});
  files_.Append("in/a.log", "two\n");
  OpenNew();
  EXPECT_EQ(Read(), Texts{"two\n"});
  files_.Append("in/a.log", "three\n");
  Make();
  for (const Offer& offer : source_->Discover().ValueOrDie()) {
    EXPECT_FALSE(offer.is_bounded);
    ASSERT_TRUE(ids_.contains(offer.file->head_hash));
    ASSERT_TRUE(source_->Open(offer, 1, positions_[1]).ok());
  }
  EXPECT_EQ(Read(), Texts{"three\n"});
}

TEST_F(FollowTest, IsOfferedOnceItHasARecord) {
  files_.Put("in/a.log", "head");
  Make(/*head_line_count=*/1);
  OpenNew();
  EXPECT_TRUE(ids_.empty());
  files_.Append("in/a.log", "er\nrec");
  OpenNew();
  EXPECT_TRUE(ids_.empty());
  files_.Append("in/a.log", "ord\n");
  OpenNew();
  EXPECT_EQ(ids_.size(), 1U);
  EXPECT_EQ(Read(), Texts{"record\n"});
}

TEST_F(FollowTest, FilesWithOneHeadAndDifferentRecordsAreDifferent) {
  files_.Put("in/a.log", "head\n1\n");
  files_.Put("in/b.log", "head\n2\n");
  Make(1);
  OpenNew();
  EXPECT_EQ(ids_.size(), 2U);
}

TEST_F(FollowTest, TwinsAreToldApartByPath) {
  files_.Put("in/a.log", "1\n2\n");
  files_.Put("in/b.log", "1\n3\n");
  Make();
  OpenNew();
  EXPECT_EQ(ids_.size(), 2U);
  EXPECT_EQ(Read(), (Texts{"1\n2\n", "1\n3\n"}));
}

TEST_F(FollowTest, SeveralFilesTakeTurns) {
  files_.Put("in/a.log", "a1\n");
  files_.Put("in/b.log", "b1\n");
  Make();
  OpenNew();
  EXPECT_EQ(Read(), (Texts{"a1\n", "b1\n"}));
  files_.Append("in/b.log", "b2\n");
  files_.Append("in/a.log", "a2\n");
  EXPECT_EQ(Read().size(), 2U);
}

TEST_F(FollowTest, ARotatedFileIsReadToItsEndAndTheNewOneIsOffered) {
  files_.Put("in/a.log", "one\n");
  Make();
  OpenNew();
  EXPECT_EQ(Read(), Texts{"one\n"});
  ASSERT_TRUE(files_.Rename("in/a.log", "in/a.log.1").ok());
  files_.Put("in/a.log", "new\n");
  files_.Append("in/a.log.1", "late\nlast");
  OpenNew();
  EXPECT_EQ(ids_.size(), 2U);
  EXPECT_EQ(Read(), (Texts{"late\n", "new\n"}));
  clock_.Advance(1'000'000);
  EXPECT_EQ(Read(), Texts{}) << "its writer may still hold it";
  clock_.Advance(2'000'000);
  EXPECT_EQ(Read(), (Texts{"last"}));
  EXPECT_EQ(Read(), (Texts{"end"}));
}

TEST_F(FollowTest, ARemovedFileEnds) {
  files_.Put("in/a.log", "one\n");
  Make();
  OpenNew();
  EXPECT_EQ(Read(), Texts{"one\n"});
  ASSERT_TRUE(files_.Remove("in/a.log").ok());
  EXPECT_EQ(Read(), Texts{});
  clock_.Advance(3'000'000);
  EXPECT_EQ(Read(), Texts{"end"});
}

TEST_F(FollowTest, ATruncatedFileFailsAndItsNewContentIsOffered) {
  files_.Put("in/a.log", "one\ntwo\n");
  Make();
  OpenNew();
  EXPECT_EQ(Read(), Texts{"one\ntwo\n"});
  files_.Truncate("in/a.log", 0);
  files_.Append("in/a.log", "new\n");
  const Texts got = Read();
  ASSERT_EQ(got.size(), 1U);
  EXPECT_NE(got[0].find("failed: File was cut while it was followed"), std::string::npos) << got[0];
  EXPECT_NE(got[0].find("in/a.log"), std::string::npos);
  OpenNew();
  EXPECT_EQ(ids_.size(), 2U);
  EXPECT_EQ(Read(), Texts{"new\n"});
}

TEST_F(FollowTest, ALongRecordIsSkippedAsItGrows) {
  config_.block_bytes = ByteSize{512};
  files_.Put("in/a.log", "one\n" + std::string(2'000, 'x'));
  Make();
  OpenNew();
  EXPECT_EQ(Read(), Texts{"one\n"});
  for (int i = 0; i < 5; ++i) {
    files_.Append("in/a.log", std::string(1'000, 'x'));
    EXPECT_EQ(Read(), Texts{});
  }
  files_.Append("in/a.log", "\ntwo\n");
  EXPECT_EQ(Read(), (Texts{"rejected 7001", "two\n"}));
}

}  // namespace
}  // namespace catchwater
