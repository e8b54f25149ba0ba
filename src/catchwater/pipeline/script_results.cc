#include "catchwater/pipeline/script_results.h"

#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>

#include "catchwater/batch/text_hash.h"

namespace catchwater {
namespace {

/// As the decoder reads them: what is ours has no declaration.
std::vector<Column> ColumnsOf(const ScriptConfig& config) {
  std::vector<Column> columns(2);
  columns[0] = {.name = "id", .type = ColumnType::kString};
  columns[1] = {.name = "retracted", .type = ColumnType::kBool};
  for (const auto& [name, declared] : config.results) {
    columns.push_back(declared);
    columns.back().name = name;
  }
  return columns;
}

/// The same for the same result of the same batch, whenever the script is given it.
std::string DerivedId(std::string_view name, int64_t place) {
  return TextHash(std::string(name) + "/" + std::to_string(place));
}

}  // namespace

std::shared_ptr<arrow::Schema> ScriptResultSchema(const ScriptConfig& config) {
  const auto read = ArrowSchema(ColumnsOf(config));
  arrow::FieldVector fields{read->field(0), arrow::field("revision", arrow::int64()),
                            read->field(1)};
  for (int i = 2; i < read->num_fields(); ++i) fields.push_back(read->field(i));
  return arrow::schema(std::move(fields));
}

arrow::Result<ScriptResults> ScriptResults::Make(const ScriptConfig& config,
                                                 const Registry& registry,
                                                 int64_t frame_bytes_max) {
  ARROW_ASSIGN_OR_RAISE(const auto codec, registry.MakeCodec("json"));
  ARROW_ASSIGN_OR_RAISE(auto decoder, codec->MakeDecoder({.columns = ColumnsOf(config),
                                                          .frame_bytes_max = frame_bytes_max}));
  return ScriptResults(ScriptResultSchema(config), std::move(decoder));
}

arrow::Result<ScriptRows> ScriptResults::Read(std::string lines, int64_t revision,
                                              std::string_view name) {
  Block block;
  block.bytes = arrow::Buffer::FromString(std::move(lines));
  ARROW_ASSIGN_OR_RAISE(const Split read, decoder_->Decode(block));
  ScriptRows results;
  for (const DeadLetter& letter : read.dead) results.refused.push_back(letter.reason);
  if (read.good.rows == nullptr) return results;
  const arrow::RecordBatch& rows = *read.good.rows;
  const auto& given_ids = static_cast<const arrow::StringArray&>(*rows.column(0));
  const auto& given_retracted = static_cast<const arrow::BooleanArray&>(*rows.column(1));
  arrow::StringBuilder ids;
  arrow::Int64Builder revisions;
  arrow::BooleanBuilder retracted;
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    const bool has_id = given_ids.IsValid(row) && !given_ids.GetView(row).empty();
    ARROW_RETURN_NOT_OK(has_id ? ids.Append(given_ids.GetView(row))
                               : ids.Append(DerivedId(name, row)));
    ARROW_RETURN_NOT_OK(revisions.Append(revision + row));
    const bool is_retracted = given_retracted.IsValid(row) && given_retracted.Value(row);
    ARROW_RETURN_NOT_OK(retracted.Append(is_retracted));
  }
  arrow::ArrayVector columns(3);
  ARROW_RETURN_NOT_OK(ids.Finish(&columns[0]));
  ARROW_RETURN_NOT_OK(revisions.Finish(&columns[1]));
  ARROW_RETURN_NOT_OK(retracted.Finish(&columns[2]));
  for (int i = 2; i < rows.num_columns(); ++i) columns.push_back(rows.column(i));
  results.rows = arrow::RecordBatch::Make(schema_, rows.num_rows(), std::move(columns));
  return results;
}

}  // namespace catchwater
