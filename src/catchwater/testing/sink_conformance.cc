#include "catchwater/testing/sink_conformance.h"

#include <cstdint>
#include <optional>
#include <utility>

#include <arrow/builder.h>
#include <gmock/gmock.h>

namespace catchwater::testing {
namespace {

using Rows = std::vector<std::pair<int64_t, std::string>>;
using ::testing::IsSupersetOf;

class Checker {
 public:
  explicit Checker(const SinkConformance& checked) : checked_(checked) {}

  void Run() {
    FirstDelivery();
    WhatWasNotFlushedIsGone();
    LastRowOfAKeyWins();
    BatchesDoNotMatter();
    FlushOfNothing();
  }

 private:
  /// A new sink that was opened; its mark must be the one that was flushed last.
  std::unique_ptr<Sink> Open() {
    auto sink = checked_.make(ConformanceSchema());
    EXPECT_TRUE(sink.ok()) << sink.status();
    if (!sink.ok()) return nullptr;
    const auto mark = (*sink)->Open();
    EXPECT_TRUE(mark.ok()) << mark.status();
    if (mark.ok() && (*sink)->traits().keeps_mark) {
      EXPECT_EQ(*mark, mark_);
    }
    return *std::move(sink);
  }

  static void Write(Sink& sink, const Rows& rows) {
    arrow::Int64Builder ids;
    arrow::StringBuilder names;
    for (const auto& [id, name] : rows) {
      EXPECT_TRUE(ids.Append(id).ok());
      EXPECT_TRUE(names.Append(name).ok());
    }
    const auto batch =
        arrow::RecordBatch::Make(ConformanceSchema(), static_cast<int64_t>(rows.size()),
                                 {ids.Finish().ValueOrDie(), names.Finish().ValueOrDie()});
    EXPECT_EQ(sink.Write(*batch), arrow::Status::OK());
  }

  /// Writes the batches and flushes them; after a conflict once more, as the feed does.
  void Deliver(Sink& sink, const std::vector<Rows>& batches, std::optional<DeliveryMark> mark) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      for (const Rows& rows : batches) Write(sink, rows);
      const auto receipt = sink.Flush(mark);
      if (receipt.ok()) {
        if (mark) mark_ = std::move(mark);
        return;
      }
      ASSERT_EQ(attempt, 0) << receipt.status();
    }
  }

  DeliveryMark Next() {
    return {.seq = ++seq_, .ordinal = 0, .file = "file:///" + std::to_string(seq_)};
  }

  void FirstDelivery() {
    const auto sink = Open();
    ASSERT_NE(sink, nullptr);
    Write(*sink, {{1, "a"}, {2, "b"}});
    EXPECT_TRUE(checked_.rows().empty()) << "visible before Flush";
    const DeliveryMark mark = Next();
    ASSERT_EQ(sink->Flush(mark).status(), arrow::Status::OK());
    mark_ = mark;
    EXPECT_EQ(checked_.rows(), (std::vector<std::string>{"1=a", "2=b"}));
    EXPECT_EQ(sink->Close(), arrow::Status::OK());
  }

  void WhatWasNotFlushedIsGone() {
    const auto before = checked_.rows();
    auto sink = Open();
    Write(*sink, {{3, "c"}});
    EXPECT_EQ(sink->Close(), arrow::Status::OK());
    EXPECT_EQ(checked_.rows(), before);
    sink = Open();
    Deliver(*sink, {{{3, "c"}}}, Next());
    EXPECT_EQ(sink->Close(), arrow::Status::OK());
    EXPECT_EQ(checked_.rows().size(), before.size() + 1);
  }

  void LastRowOfAKeyWins() {
    const auto sink = Open();
    if (!sink->traits().replaces_rows) return;
    Deliver(*sink, {{{10, "first"}, {11, "x"}, {10, "second"}}, {{10, "third"}}}, Next());
    EXPECT_THAT(checked_.rows(), IsSupersetOf({"10=third", "11=x"}));
    Deliver(*sink, {{{11, "y"}}}, Next());
    EXPECT_THAT(checked_.rows(), IsSupersetOf({"10=third", "11=y"}));
    Deliver(*sink, {{{11, "y"}}}, std::nullopt);
    EXPECT_EQ(checked_.rows().size(), 5U);
    EXPECT_EQ(sink->Close(), arrow::Status::OK());
  }

  void BatchesDoNotMatter() {
    const auto sink = Open();
    Rows rows;
    std::vector<Rows> single;
    const size_t before = checked_.rows().size();
    for (int64_t id = 100; id < 150; ++id) {
      rows.emplace_back(id, std::string(static_cast<size_t>(id), 'x'));
      single.push_back({{id + 100, "y"}});
    }
    Deliver(*sink, {rows}, Next());
    Deliver(*sink, single, Next());
    EXPECT_EQ(checked_.rows().size(), before + 100);
    EXPECT_EQ(sink->Close(), arrow::Status::OK());
  }

  void FlushOfNothing() {
    const auto before = checked_.rows();
    auto sink = Open();
    Deliver(*sink, {}, std::nullopt);
    Deliver(*sink, {}, Next());
    Deliver(*sink, {{}}, Next());
    EXPECT_EQ(sink->Close(), arrow::Status::OK());
    sink = Open();
    EXPECT_EQ(checked_.rows(), before);
    EXPECT_EQ(sink->Close(), arrow::Status::OK());
  }

  const SinkConformance& checked_;
  std::optional<DeliveryMark> mark_;
  int64_t seq_ = 0;
};

}  // namespace

std::shared_ptr<arrow::Schema> ConformanceSchema() {
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("name", arrow::utf8())});
}

void CheckSinkConformance(const SinkConformance& checked) { Checker(checked).Run(); }

}  // namespace catchwater::testing
