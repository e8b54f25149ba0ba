#include "catchwater/source/http_poll/answer_store.h"

#include <string>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

class AnswerStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  void Reopen() { store_ = AnswerStore::Open(files_, "/spool").ValueOrDie(); }
  void Append(const std::string& item, const std::string& body, const std::string& cursor) {
    PollState state;
    state.cursor = cursor;
    ASSERT_TRUE(
        store_->Append({.item = item, .refusal = "", .receive_us = 5, .body = body}, state).ok());
  }
  /// All bodies from the ordinal on, each followed by a bar.
  std::string From(uint64_t ordinal) {
    std::string bodies;
    while (const auto place = store_->Locate(ordinal)) {
      bodies += store_->Read(*place).ValueOrDie().body + "|";
      ordinal = place->end_ordinal;
    }
    return bodies;
  }

  MemoryFiles files_;
  std::unique_ptr<AnswerStore> store_;
};

TEST_F(AnswerStoreTest, KeepsAnswersAndStatesOverARestart) {
  Append("oslo", "one", "1");
  Append("bergen", "", "b");
  Append("oslo", "three", "3");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(From(0), "one||three|");
    EXPECT_EQ(store_->StateOf("oslo").cursor, "3");
    EXPECT_EQ(store_->StateOf("bergen").cursor, "b");
    EXPECT_EQ(store_->StateOf("nowhere").cursor, "");
    Reopen();
  }
}

TEST_F(AnswerStoreTest, ForgetsWhatIsCommittedButNotTheState) {
  Append("oslo", "one", "1");
  Append("oslo", "two", "2");
  const auto first = store_->Locate(0);
  ASSERT_TRUE(store_->Trim(first->end_ordinal).ok());
  EXPECT_EQ(From(0), "two|");
  ASSERT_TRUE(store_->Trim(store_->Locate(0)->end_ordinal).ok());
  Reopen();
  EXPECT_EQ(From(0), "");
  EXPECT_EQ(store_->byte_count(), 0);
  EXPECT_EQ(store_->StateOf("oslo").cursor, "2");
  Append("oslo", "three", "3");  // Ordinals go on where they were.
  EXPECT_EQ(store_->Locate(0)->begin_ordinal, 8u);
}

TEST_F(AnswerStoreTest, DropsWhatWasNotFinishedAndRefusesWhatIsDamaged) {
  Append("oslo", "one", "1");
  files_.Put("/spool/00000000000000000004.answer.tmp", "half");
  Reopen();
  EXPECT_EQ(From(0), "one|");
  auto bytes = files_.ReadAll("/spool/00000000000000000000.answer", 1'000).ValueOrDie();
  for (const size_t at : {size_t{3}, size_t{40}, bytes.size() - 1}) {
    SCOPED_TRACE(at);
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    files_.Put("/spool/00000000000000000000.answer", damaged);
    EXPECT_EQ(KindOf(AnswerStore::Open(files_, "/spool").status()), ErrorKind::kBadData);
  }
}

TEST_F(AnswerStoreTest, HasOneIdentity) {
  EXPECT_EQ(AnswerStore::Identity(files_, "/other", "a").ValueOrDie(), "a");
  EXPECT_EQ(AnswerStore::Identity(files_, "/other", "b").ValueOrDie(), "a");
}

}  // namespace
}  // namespace catchwater
