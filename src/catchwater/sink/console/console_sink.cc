#include "catchwater/sink/console/console_sink.h"

#include <memory>
#include <ostream>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/batch/text_table.h"
#include "catchwater/component/pick_columns.h"

namespace catchwater {
namespace {

class ConsoleSink final : public Sink {
 public:
  ConsoleSink(ConsoleSinkConfig config, PickColumns pick, const SinkContext& context)
      : config_(std::move(config)),
        pick_(std::move(pick)),
        title_(context.stream.empty() ? context.pipeline : context.stream),
        console_(context.console) {}

  arrow::Status Check() override { return arrow::Status::OK(); }

  arrow::Status Write(const arrow::RecordBatch& rows) override {
    ARROW_ASSIGN_OR_RAISE(auto picked, pick_.Apply(rows));
    row_count_ += picked->num_rows();
    // No more is kept than is shown.
    if (kept_count_ < config_.rows_max) batches_.push_back(picked->Slice(0, config_.rows_max));
    kept_count_ += picked->num_rows();
    return arrow::Status::OK();
  }

  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>&) override {
    console_ << title_ << "\n"
             << DrawTable(*pick_.schema(), batches_, {.rows_max = config_.rows_max});
    if (row_count_ > config_.rows_max) console_ << "(" << row_count_ << " rows in all)\n";
    console_.flush();
    const bool is_written = console_.good();
    console_.clear();
    batches_.clear();
    kept_count_ = 0;
    const int64_t row_count = std::exchange(row_count_, 0);
    if (is_written) return SinkReceipt{.row_count = row_count};
    return Unavailable("Standard output takes no more; look at its disk or its reader");
  }

  arrow::Status Close() override {
    batches_.clear();
    return arrow::Status::OK();
  }

 private:
  const ConsoleSinkConfig config_;
  const PickColumns pick_;
  const std::string title_;
  std::ostream& console_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches_;
  int64_t kept_count_ = 0;
  int64_t row_count_ = 0;
};

}  // namespace

arrow::Status RegisterConsoleSink(Registry& registry) {
  return registry.AddSink<ConsoleSinkConfig>(
      {.name = "console", .summary = "Prints rows as a table."},
      [](ConsoleSinkConfig config,
         const SinkContext& context) -> arrow::Result<std::unique_ptr<Sink>> {
        ARROW_ASSIGN_OR_RAISE(auto pick, PickColumns::Make(config.columns, context.schema));
        return std::make_unique<ConsoleSink>(std::move(config), std::move(pick), context);
      });
}

}  // namespace catchwater
