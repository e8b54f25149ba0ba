#include "catchwater/testing/memory_sink.h"

#include <utility>

#include <arrow/scalar.h>
#include <arrow/type.h>

#include "catchwater/base/error.h"

namespace catchwater::testing {
namespace {

class MemorySink final : public Sink {
 public:
  MemorySink(MemoryTarget& target, const std::shared_ptr<arrow::Schema>& schema)
      : target_(target), columns_(schema->field_names()) {}

  arrow::Status Check() override { return target_.open_answer; }
  SinkTraits traits() const override {
    return {.keeps_mark = target_.keeps_mark,
            .replaces_rows = target_.has_key,
            .needs_whole_commits = target_.needs_whole_commits};
  }
  arrow::Result<std::optional<DeliveryMark>> Open() override {
    ARROW_RETURN_NOT_OK(target_.open_answer);
    ++target_.opens;
    target_.columns = columns_;
    return target_.keeps_mark ? target_.mark : std::nullopt;
  }
  arrow::Status Restart() override {
    ++target_.restarts;
    return arrow::Status::OK();
  }
  arrow::Status Write(const arrow::RecordBatch& rows) override {
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      std::string line;
      for (int c = 0; c < rows.num_columns(); ++c) {
        ARROW_ASSIGN_OR_RAISE(const auto value, rows.column(c)->GetScalar(row));
        line += (c > 0 ? "|" : "") + value->ToString();
      }
      pending_.push_back(std::move(line));
    }
    return arrow::Status::OK();
  }
  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>& mark) override {
    const arrow::Status answer = std::exchange(target_.flush_answer, arrow::Status::OK());
    if (!answer.ok() && !target_.flush_happens) {
      pending_.clear();
      return answer;
    }
    ++target_.flushes;
    if (target_.on_flush) target_.on_flush();
    const auto row_count = static_cast<int64_t>(pending_.size());
    for (std::string& line : pending_) {
      const std::string key =
          target_.has_key ? line.substr(0, line.find('|')) : std::to_string(target_.rows.size());
      target_.rows[key] = std::move(line);
    }
    pending_.clear();
    if (mark) target_.mark = mark;
    ARROW_RETURN_NOT_OK(answer);
    return SinkReceipt{.row_count = row_count};
  }
  arrow::Status Close() override {
    pending_.clear();
    return arrow::Status::OK();
  }

 private:
  MemoryTarget& target_;
  const std::vector<std::string> columns_;
  std::vector<std::string> pending_;
};

}  // namespace

std::vector<std::string> RowsOf(const MemoryTarget& target) {
  std::vector<std::string> rows;
  for (const auto& [key, row] : target.rows) rows.push_back(row);
  return rows;
}

std::unique_ptr<Sink> MakeMemorySink(MemoryTarget& target,
                                     const std::shared_ptr<arrow::Schema>& schema) {
  return std::make_unique<MemorySink>(target, schema);
}

}  // namespace catchwater::testing
