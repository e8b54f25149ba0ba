#include "catchwater/pipeline/intake.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/lake_fixture_test.h"

namespace catchwater {
namespace {

/// Files that exist by word only: name and content.
class ToldFiles final : public Source {
 public:
  explicit ToldFiles(const std::map<std::string, std::string>& files) : files_(files) {}

  arrow::Status Check() override { return arrow::Status::OK(); }
  arrow::Result<std::vector<Offer>> Discover() override {
    const int64_t size = is_small ? 0 : 1 << 20;
    std::vector<Offer> offers;
    for (const auto& [name, content] : files_) {
      offers.push_back(
          {.name = name,
           .file = InputFileFacts{.path = name,
                                  // Small ones are known by their head alone.
                                  .byte_count = size + static_cast<int64_t>(content.size()),
                                  .head_hash = "head " + content.substr(0, 4),
                                  .modified_us = StillClock().now_us}});
    }
    return offers;
  }
  arrow::Result<std::string> FullHash(const Offer& offer) override {
    return "whole " + files_.at(offer.name);
  }
  arrow::Status Open(const Offer& offer, int64_t, const Position&) override {
    opened.push_back(offer.name);
    return arrow::Status::OK();
  }
  arrow::Result<NextResult> Next(std::stop_token) override { return NotYet{}; }
  arrow::Status Acknowledge(int64_t, const Position&) override { return arrow::Status::OK(); }
  arrow::Status Close() override { return arrow::Status::OK(); }
  int64_t discover_interval_ms() const override { return 0; }
  TakePolicy take_policy() const override { return take; }

  std::vector<std::string> opened;
  TakePolicy take;
  bool is_small = false;

 private:
  const std::map<std::string, std::string>& files_;
};

class IntakeTest : public ::testing::Test {
 protected:
  using Names = std::vector<std::string>;

  void SetUp() override {
    ledger_ = Ledger::Open({.path = folder_.path() + "/ledger.sqlite"}, clock_).ValueOrDie();
  }

  /// A new process looks what there is and opens what it may.
  Names Opened(TakePolicy take = {}) {
    const auto epoch =
        ledger_->AcquireLease("pipeline/p", "run " + std::to_string(++runs_), 0).ValueOrDie();
    ToldFiles source(files_);
    source.take = take;
    source.is_small = are_small_;
    PartitionBook book;
    Intake intake({.pipeline = "p",
                   .source = "file",
                   .consumer = "lake",
                   .fence = {.lease = "pipeline/p", .epoch = epoch.value_or(0)}},
                  source, ledger_.get(), clock_, book);
    EXPECT_TRUE(intake.Discover().ok());
    EXPECT_TRUE(intake.OpenWhatMayBeRead().ok());
    return source.opened;
  }
  Names Recorded() {
    Names paths;
    const auto inputs = ledger_->Inputs({.pipeline = "p"}).ValueOrDie();
    for (const InputFileRecord& input : inputs) paths.push_back(input.path);
    return paths;
  }

  static constexpr TakePolicy kWaits{.min_files = 100, .max_age_ms = 1LL << 40};

  TemporaryFolder folder_;
  StillClock clock_;
  std::unique_ptr<Ledger> ledger_;
  std::map<std::string, std::string> files_;  // In the order in which they are listed.
  bool are_small_ = false;
  int runs_ = 0;
};

TEST_F(IntakeTest, ACopyThatIsListedBeforeAPendingFileIsNotTaken) {
  files_["b"] = "same";
  EXPECT_EQ(Opened(kWaits), Names{});
  ASSERT_EQ(Recorded(), Names{"b"});
  files_["a"] = "same";
  EXPECT_EQ(Opened(kWaits), Names{});
  EXPECT_EQ(Recorded(), Names{"b"});
  EXPECT_EQ(Opened(), Names{"b"});
}

TEST_F(IntakeTest, AFileThatOnlyBeginsAlikeIsTaken) {
  files_["b"] = "same 1";
  EXPECT_EQ(Opened(kWaits), Names{});
  files_["a"] = "same 2";
  EXPECT_EQ(Opened(), (Names{"b", "a"}));
}

TEST_F(IntakeTest, AFileThatWasMovedBeforeItWasReadIsTakenUnderItsNewName) {
  for (const bool is_small : {false, true}) {
    SCOPED_TRACE(is_small);
    are_small_ = is_small;
    const std::string content = is_small ? "tiny" : "many bytes";
    files_ = {{"b", content}};
    EXPECT_EQ(Opened(kWaits), Names{});
    files_ = {{"c", content}};
    EXPECT_EQ(Opened(), Names{"c"});
  }
}

TEST_F(IntakeTest, AFileThatWasMovedWhileItWasReadIsReadOn) {
  files_ = {{"b", "many bytes"}};
  EXPECT_EQ(Opened(), Names{"b"});
  const auto inputs = ledger_->Inputs({.pipeline = "p"}).ValueOrDie();
  CommitPlan plan{.id = "first part", .actor = "pipeline/p"};
  plan.positions = {{.range = {.partition_id = inputs[0].partition_id, .from = {0}, .to = {5}},
                     .consumer = "lake"}};
  ASSERT_EQ(ledger_->Commit(plan)->first, Outcome::kCommitted);
  files_ = {{"b", "another file"}, {"c", "many bytes"}};
  EXPECT_EQ(Opened(), (Names{"c", "b"}));
  EXPECT_EQ(Recorded(), (Names{"b", "b"}));
}

TEST_F(IntakeTest, APendingFileThatWasReplacedFailsAndTheNewOneIsTaken) {
  files_["a"] = "old!";
  EXPECT_EQ(Opened(kWaits), Names{});
  files_["a"] = "new!";
  EXPECT_EQ(Opened(), Names{"a"});
  const auto inputs = ledger_->Inputs({.pipeline = "p"}).ValueOrDie();
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_EQ(inputs[0].state, WorkState::kFailed);
  EXPECT_EQ(inputs[0].reason, "File was replaced: a");
  EXPECT_EQ(inputs[1].state, WorkState::kProcessing);
}

TEST_F(IntakeTest, APendingFileThatGrewIsAnotherFile) {
  files_["a"] = "many";
  EXPECT_EQ(Opened(kWaits), Names{});
  files_["a"] = "many more";
  EXPECT_EQ(Opened(), Names{"a"});
}

TEST_F(IntakeTest, APendingFileThatIsGoneIsTriedAgainLater) {
  files_["a"] = "text";
  EXPECT_EQ(Opened(kWaits), Names{});
  files_.clear();
  EXPECT_EQ(Opened(), Names{});
  const auto inputs = ledger_->Inputs({.pipeline = "p"}).ValueOrDie();
  ASSERT_EQ(inputs.size(), 1U);
  EXPECT_EQ(inputs[0].state, WorkState::kToProcess);
  EXPECT_EQ(inputs[0].reason, "File is gone: a");
}

}  // namespace
}  // namespace catchwater
