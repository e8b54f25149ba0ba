#include "catchwater/pipeline/dead_letters.h"

#include <array>

#include <arrow/builder.h>
#include <arrow/type.h>
#include <xxhash.h>

namespace catchwater {
namespace {

std::string HashHex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  uint64_t hash = XXH3_64bits(bytes.data(), bytes.size());
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; hash >>= 4) text[i] = kHex[hash & 15];
  return text;
}

}  // namespace

const std::shared_ptr<arrow::Schema>& DeadLetterSchema() {
  static const auto schema = arrow::schema({
      arrow::field("dead_letter_id", arrow::utf8(), false),
      arrow::field("received_at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), false),
      arrow::field("pipeline", arrow::utf8(), false),
      arrow::field("source", arrow::utf8(), false),
      arrow::field("origin", arrow::utf8(), false),
      arrow::field("partition_id", arrow::int64(), false),
      arrow::field("frame_ordinal", arrow::int64(), false),
      arrow::field("row_in_frame", arrow::int64(), false),
      arrow::field("line", arrow::int64()),
      arrow::field("rule", arrow::utf8(), false),
      arrow::field("field", arrow::utf8()),
      arrow::field("reason", arrow::utf8(), false),
      arrow::field("raw", arrow::binary()),
      arrow::field("raw_bytes", arrow::int64(), false),
      arrow::field("raw_hash", arrow::utf8(), false),
  });
  return schema;
}

std::string DeadLetterId(int64_t partition_id, const DeadLetter& letter) {
  return std::to_string(partition_id) + ":" + std::to_string(letter.frame_ordinal) + ":" +
         std::to_string(letter.row_in_frame);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> DeadLetterRows(
    const DeadLetterOrigin& origin, const std::vector<DeadLetter>& letters) {
  arrow::StringBuilder id, pipeline, source, from, rule, field, reason, raw_hash;
  arrow::TimestampBuilder received(DeadLetterSchema()->field(1)->type(),
                                   arrow::default_memory_pool());
  arrow::Int64Builder partition_id, frame_ordinal, row_in_frame, line, raw_bytes;
  arrow::BinaryBuilder raw;
  for (const DeadLetter& letter : letters) {
    ARROW_RETURN_NOT_OK(id.Append(DeadLetterId(origin.partition_id, letter)));
    ARROW_RETURN_NOT_OK(received.Append(origin.receive_us));
    ARROW_RETURN_NOT_OK(pipeline.Append(origin.pipeline));
    ARROW_RETURN_NOT_OK(source.Append(origin.source));
    ARROW_RETURN_NOT_OK(from.Append(origin.origin));
    ARROW_RETURN_NOT_OK(partition_id.Append(origin.partition_id));
    ARROW_RETURN_NOT_OK(frame_ordinal.Append(static_cast<int64_t>(letter.frame_ordinal)));
    ARROW_RETURN_NOT_OK(row_in_frame.Append(letter.row_in_frame));
    ARROW_RETURN_NOT_OK(letter.line > 0 ? line.Append(letter.line) : line.AppendNull());
    ARROW_RETURN_NOT_OK(rule.Append(letter.rule));
    ARROW_RETURN_NOT_OK(letter.field.empty() ? field.AppendNull() : field.Append(letter.field));
    ARROW_RETURN_NOT_OK(reason.Append(letter.reason));
    ARROW_RETURN_NOT_OK(raw.Append(letter.raw));
    ARROW_RETURN_NOT_OK(raw_bytes.Append(letter.raw_bytes));
    ARROW_RETURN_NOT_OK(raw_hash.Append(HashHex(letter.raw)));
  }
  const std::array<arrow::ArrayBuilder*, 15> builders{
      &id,   &received, &pipeline, &source, &from, &partition_id, &frame_ordinal, &row_in_frame,
      &line, &rule,     &field,    &reason, &raw,  &raw_bytes,    &raw_hash};
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  arrays.reserve(builders.size());
  for (arrow::ArrayBuilder* builder : builders) {
    ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(DeadLetterSchema(), static_cast<int64_t>(letters.size()),
                                  std::move(arrays));
}

}  // namespace catchwater
