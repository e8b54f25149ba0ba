#include "catchwater/pipeline/contract.h"

#include <utility>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

template <typename ArrayType, typename Value>
arrow::Result<std::shared_ptr<arrow::Array>> Joined(const std::shared_ptr<arrow::Array>& before,
                                                    const std::vector<Value>& more) {
  const auto count = static_cast<int64_t>(more.size());
  std::shared_ptr<arrow::Array> added =
      std::make_shared<ArrayType>(count, arrow::Buffer::FromVector(more));
  if (before == nullptr) return added;
  return arrow::Concatenate({before, added});
}

}  // namespace

arrow::Result<std::unique_ptr<ContractKeeper>> ContractKeeper::Make(
    const ColumnContracts& contracts, const Codec& codec, const DecodeOptions& options) {
  if (contracts.empty()) return nullptr;
  std::unique_ptr<ContractKeeper> keeper(new ContractKeeper(contracts, options.columns));
  DecodeOptions lenient = options;
  lenient.row_origins = false;
  for (size_t i = 0; i < lenient.columns.size(); ++i) {
    Column& column = lenient.columns[i];
    const auto contract = contracts.find(column.name);
    const bool is_lenient = contract != contracts.end() &&
                            contract->second == ColumnContract::kNull && !column.is_required;
    if (!is_lenient) continue;
    ARROW_ASSIGN_OR_RAISE(auto builder, ColumnBuilder::Make(column));
    keeper->lenient_.push_back(
        {.place = static_cast<int>(i), .column = column, .builder = std::move(builder)});
    column.type = ColumnType::kString;
    column.format.clear();
    column.zone.clear();
    column.values.clear();
  }
  if (!keeper->lenient_.empty()) {
    ARROW_ASSIGN_OR_RAISE(keeper->decoder_, codec.MakeDecoder(lenient));
  }
  return keeper;
}

arrow::Status ContractKeeper::Apply(const Block& block, Split* split, Drifts* drifts) {
  arrow::RecordBatchVector mended;
  std::vector<DeadLetter> mended_letters;
  std::vector<DeadLetter> left;
  for (DeadLetter& letter : split->dead) {
    const auto contract =
        IsTypeRule(letter.rule) ? contracts_.find(letter.field) : contracts_.end();
    if (contract == contracts_.end()) {
      left.push_back(std::move(letter));
      continue;
    }
    if (contract->second == ColumnContract::kStop) {
      return ConfigError(
          "Values of a column are of another type and its contract is `stop`; change its `type`, "
          "or its `contract` to `reject` or `null`, column and what was found: ",
          letter.field, " ", letter.reason);
    }
    Drift& drift = (*drifts)[letter.field];
    if (drift.row_count++ == 0) {
      drift.contract = contract->second;
      drift.example = letter.reason;
    }
    std::shared_ptr<arrow::RecordBatch> row;
    if (contract->second == ColumnContract::kNull) {
      ARROW_ASSIGN_OR_RAISE(row, Mend(block, letter));
    }
    if (row == nullptr) {
      left.push_back(std::move(letter));
      continue;
    }
    mended.push_back(std::move(row));
    mended_letters.push_back(std::move(letter));
  }
  split->dead = std::move(left);
  return AddRows(mended, mended_letters, split);
}

/// \return the row, or null if it has other faults too
arrow::Result<std::shared_ptr<arrow::RecordBatch>> ContractKeeper::Mend(const Block& block,
                                                                        const DeadLetter& letter) {
  if (decoder_ == nullptr || letter.raw_bytes != static_cast<int64_t>(letter.raw.size())) {
    return nullptr;
  }
  Block one;
  one.origin = block.origin;
  one.bytes = arrow::Buffer::FromString(letter.raw);
  one.preamble = block.preamble;
  if (!block.frame_ends.empty()) {
    one.frame_ends = {letter.raw_bytes};
    one.frame_ordinals = {letter.frame_ordinal};
  }
  const auto decoded = decoder_->Decode(one);
  const bool is_row = decoded.ok() && decoded->dead.empty() && decoded->good.rows != nullptr &&
                      decoded->good.rows->num_rows() == 1;
  if (!is_row) return nullptr;
  auto row = decoded->good.rows;
  for (Lenient& lenient : lenient_) {
    const auto& texts = static_cast<const arrow::StringArray&>(*row->column(lenient.place));
    // A text that cannot be read is null in the builder already.
    if (texts.IsNull(0)) {
      lenient.builder->AppendNull();
    } else {
      static_cast<void>(lenient.builder->AppendText(texts.GetView(0)));
    }
    ARROW_ASSIGN_OR_RAISE(auto array, lenient.builder->Finish());
    ARROW_ASSIGN_OR_RAISE(
        row, row->SetColumn(lenient.place,
                            arrow::field(lenient.column.name, ArrowType(lenient.column)), array));
  }
  return row;
}

arrow::Status ContractKeeper::AddRows(const arrow::RecordBatchVector& rows,
                                      const std::vector<DeadLetter>& letters, Split* split) const {
  if (rows.empty()) return arrow::Status::OK();
  Batch& good = split->good;
  arrow::RecordBatchVector all = {good.rows};
  for (const auto& row : rows) {
    all.push_back(arrow::RecordBatch::Make(good.rows->schema(), 1, row->columns()));
  }
  ARROW_ASSIGN_OR_RAISE(good.rows, arrow::ConcatenateRecordBatches(all));
  for (const DeadLetter& letter : letters) split->dead_frame_count -= letter.is_frame ? 1 : 0;
  if (good.frame_ordinals == nullptr) return arrow::Status::OK();
  std::vector<uint64_t> ordinals;
  std::vector<uint32_t> rows_in_frame;
  std::vector<uint32_t> begins;
  std::vector<uint32_t> lengths;
  std::string raw = good.raw->ToString();
  for (const DeadLetter& letter : letters) {
    ordinals.push_back(letter.frame_ordinal);
    rows_in_frame.push_back(letter.row_in_frame);
    begins.push_back(static_cast<uint32_t>(raw.size()));
    lengths.push_back(static_cast<uint32_t>(letter.raw.size()));
    raw += letter.raw;
  }
  if (good.row_in_frame != nullptr) {
    ARROW_ASSIGN_OR_RAISE(good.row_in_frame,
                          Joined<arrow::UInt32Array>(good.row_in_frame, rows_in_frame));
  }
  ARROW_ASSIGN_OR_RAISE(good.frame_ordinals,
                        Joined<arrow::UInt64Array>(good.frame_ordinals, ordinals));
  ARROW_ASSIGN_OR_RAISE(good.raw_begin, Joined<arrow::UInt32Array>(good.raw_begin, begins));
  ARROW_ASSIGN_OR_RAISE(good.raw_length, Joined<arrow::UInt32Array>(good.raw_length, lengths));
  good.raw = arrow::Buffer::FromString(std::move(raw));
  return arrow::Status::OK();
}

}  // namespace catchwater
