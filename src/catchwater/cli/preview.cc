#include "catchwater/cli/preview.h"

#include <algorithm>
#include <map>
#include <stop_token>
#include <utility>
#include <variant>

#include "catchwater/base/error.h"
#include "catchwater/batch/text_table.h"
#include "catchwater/pipeline/attribute_columns.h"
#include "catchwater/pipeline/flow.h"
#include "catchwater/pipeline/row_path.h"
#include "catchwater/pipeline/step_chain.h"

namespace catchwater {
namespace {

constexpr size_t kRejectsMax = 20;
constexpr int64_t kBlocksMax = 1'000;  // A pipeline that refuses everything still ends.
constexpr int64_t kWaitUsMax = 3'000'000;

/// One thread.
class Previewer {
 public:
  Previewer(const PipelinePlan& plan, Files& files, const Clock& clock, int64_t row_count_max)
      : plan_(plan), files_(files), clock_(clock), row_count_max_(row_count_max) {}

  arrow::Result<Preview> Run();

 private:
  arrow::Result<std::unique_ptr<Source>> OpenSource(const DecodeOptions& decode);
  arrow::Status Take(const Block& block);
  bool is_enough() const { return preview_.row_count >= row_count_max_; }

  const PipelinePlan& plan_;
  Files& files_;
  const Clock& clock_;
  const int64_t row_count_max_;
  Preview preview_;
  std::vector<Offer> offers_;
  std::optional<RowPath> path_;
  uint64_t next_sequence_ = 0;
  PartitionFlow flow_;
};

arrow::Result<std::unique_ptr<Source>> Previewer::OpenSource(const DecodeOptions& decode) {
  const SourceContext context{
      .files = files_,
      .clock = clock_,
      .random_seed = 1,
      .project_folder = plan_.project_folder,
      .pipeline = plan_.name,
      .make_framer = [codec = plan_.codec, decode] { return codec->MakeFramer(decode); },
      .frame_bytes_max = plan_.frame_bytes_max};
  ARROW_ASSIGN_OR_RAISE(auto source, plan_.source.make(context));
  source->SetIdentityAttributes(AttributeColumns(plan_.columns).attribute_names());
  source->SetFrameColumns(AttributeColumns(plan_.columns).frame_column_names());
  ARROW_RETURN_NOT_OK(source->Check());
  ARROW_ASSIGN_OR_RAISE(offers_, source->Discover());
  return source;
}

arrow::Status Previewer::Take(const Block& block) {
  auto result = path_->Process(block, next_sequence_, &flow_, std::stop_token());
  ARROW_RETURN_NOT_OK(result.status());
  ++next_sequence_;
  const Offer& offer = offers_[static_cast<size_t>(block.origin.range.partition_id)];
  for (const DeadLetter& letter : result->dead) {
    if (preview_.rejects.size() >= kRejectsMax) break;
    const std::string line = letter.line > 0 ? ":" + std::to_string(letter.line) : "";
    preview_.rejects.push_back(offer.name + line + ": " + letter.reason + " (" + letter.rule + ")");
  }
  const auto& rows = result->rows.rows;
  if (rows == nullptr || rows->num_rows() == 0) return arrow::Status::OK();
  preview_.rows.push_back(rows->Slice(0, row_count_max_ - preview_.row_count));
  preview_.row_count += preview_.rows.back()->num_rows();
  return arrow::Status::OK();
}

arrow::Result<Preview> Previewer::Run() {
  ARROW_ASSIGN_OR_RAISE(StepChain chain, BuildStepChain(plan_, /*lane_count=*/1, files_, clock_,
                                                        /*table_reader=*/nullptr));
  preview_.schema = chain.output_schema;
  const DecodeOptions decode{.columns = AttributeColumns(plan_.columns).payload_columns(),
                             .row_origins = true,
                             .frame_bytes_max = plan_.frame_bytes_max};
  ARROW_ASSIGN_OR_RAISE(auto decoder, plan_.codec->MakeDecoder(decode));
  ARROW_ASSIGN_OR_RAISE(auto contract, ContractKeeper::Make(plan_.contracts, *plan_.codec, decode));
  path_.emplace(AttributeColumns(plan_.columns), std::move(decoder), std::move(chain.lanes[0]),
                chain.tail, clock_, std::move(contract));
  ARROW_ASSIGN_OR_RAISE(auto source, OpenSource(decode));
  const int64_t give_up_us = clock_.MonotonicMicros() + kWaitUsMax;
  int64_t block_count = 0;
  for (size_t i = 0; i < offers_.size() && !is_enough(); ++i) {
    ARROW_RETURN_NOT_OK(source->Open(offers_[i], static_cast<int64_t>(i), Position{}));
    while (!is_enough() && block_count < kBlocksMax) {
      ARROW_ASSIGN_OR_RAISE(const NextResult next, source->Next(std::stop_token()));
      if (const auto* block = std::get_if<Block>(&next)) {
        ++block_count;
        ARROW_RETURN_NOT_OK(Take(*block));
        continue;
      }
      if (const auto* failed = std::get_if<PartitionFailed>(&next)) {
        preview_.rejects.push_back(offers_[i].name + ": " + failed->reason);
        break;
      }
      if (!std::holds_alternative<NotYet>(next)) break;
      if (clock_.MonotonicMicros() > give_up_us) break;
    }
  }
  ARROW_RETURN_NOT_OK(source->Close());
  for (const auto& [key, row_count] : flow_.counts()) {
    if (key.first != Bucket::kFiltered && key.first != Bucket::kDropped &&
        key.first != Bucket::kDeduplicated) {
      continue;
    }
    preview_.taken_out.push_back(key.second + ": " + std::to_string(row_count) + " rows");
  }
  return std::move(preview_);
}

}  // namespace

arrow::Result<Preview> MakePreview(const PipelinePlan& plan, Files& files, const Clock& clock,
                                   int64_t row_count_max) {
  return Previewer(plan, files, clock, row_count_max).Run();
}

std::string Render(const PipelinePlan& plan, const Preview& preview) {
  std::string text = "pipeline " + plan.name + "\n";
  text += DrawTable(*preview.schema, preview.rows, {.rows_max = preview.row_count});
  if (plan.lake) text += "would go to table " + plan.lake->table.table_key + "\n";
  for (const StreamPlan& stream : plan.streams) {
    text += "would go to stream " + stream.config.name + "\n";
  }
  for (const std::string& line : preview.taken_out) text += "taken out by " + line + "\n";
  for (const std::string& line : preview.rejects) text += "rejected " + line + "\n";
  return text;
}

}  // namespace catchwater
