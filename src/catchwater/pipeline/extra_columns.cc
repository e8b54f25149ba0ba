#include "catchwater/pipeline/extra_columns.h"

#include <charconv>
#include <optional>
#include <utility>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>

#include "catchwater/base/error.h"
#include "catchwater/base/number.h"
#include "catchwater/batch/text_run.h"

namespace catchwater {
namespace {

constexpr size_t kLeftOutNamesMax = 100;  // Told of by name.

/// A number as text is one only if it is written as numbers are: `007` names something.
bool IsPlainInteger(std::string_view text, int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && text == std::to_string(value);
}

std::shared_ptr<arrow::DataType> TypeOf(const FoundField& field) {
  int64_t integer = 0;
  switch (field.kind) {
    case FoundKind::kBool:
      return arrow::boolean();
    case FoundKind::kInteger:
      return IsPlainInteger(field.text, integer) ? arrow::int64() : arrow::float64();
    case FoundKind::kNumber:
      return arrow::float64();
    case FoundKind::kText: {
      if (field.text == "true" || field.text == "false") return arrow::boolean();
      if (IsPlainInteger(field.text, integer)) return arrow::int64();
      const bool is_number =
          field.text.find_first_of(".eE") != field.text.npos && ParseDouble(field.text).has_value();
      return is_number ? arrow::float64() : arrow::utf8();
    }
    case FoundKind::kString:
    case FoundKind::kNested:
      break;
  }
  return arrow::utf8();
}

/// The type that values of both types have.
std::shared_ptr<arrow::DataType> Joined(const std::shared_ptr<arrow::DataType>& a,
                                        const std::shared_ptr<arrow::DataType>& b) {
  if (a->Equals(*b)) return a;
  const auto is_number = [](const arrow::DataType& type) {
    return type.id() == arrow::Type::INT64 || type.id() == arrow::Type::DOUBLE;
  };
  return is_number(*a) && is_number(*b) ? arrow::float64() : arrow::utf8();
}

/// How values of a table's column are read; nothing: they are not.
std::optional<Column> ColumnOf(const arrow::Field& field) {
  Column column{.name = field.name()};
  switch (field.type()->id()) {
    case arrow::Type::BOOL:
      column.type = ColumnType::kBool;
      return column;
    case arrow::Type::INT32:
    case arrow::Type::INT64:
      column.type = ColumnType::kInt64;
      return column;
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
      column.type = ColumnType::kFloat64;
      return column;
    case arrow::Type::STRING:
      column.type = ColumnType::kString;
      return column;
    case arrow::Type::DATE32:
      column.type = ColumnType::kDate;
      return column;
    case arrow::Type::TIMESTAMP:
      column.type = ColumnType::kTimestamp;
      return column;
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(*field.type());
      column.type = ColumnType::kDecimal;
      column.precision = decimal.precision();
      column.scale = decimal.scale();
      return column;
    }
    default:
      return std::nullopt;
  }
}

void Tell(const std::string& name, const std::string& reason, Drifts* drifts) {
  Drift& drift = (*drifts)[name];
  if (drift.row_count++ > 0) return;
  drift.contract = ColumnContract::kEvolve;
  drift.example = reason;
}

struct RowKey {
  uint64_t ordinal;
  uint32_t in_frame;
  bool operator==(const RowKey&) const = default;
};
RowKey KeyAt(const arrow::Array& ordinals, const arrow::Array* in_frame, int64_t row) {
  return {.ordinal = static_cast<const arrow::UInt64Array&>(ordinals).Value(row),
          .in_frame = in_frame == nullptr
                          ? 0
                          : static_cast<const arrow::UInt32Array*>(in_frame)->Value(row)};
}

}  // namespace

arrow::Result<std::vector<FrameFault>> ExtraColumns::Take(const Block& block, const Batch& rows,
                                                          Drifts* drifts) {
  CATCHWATER_CHECK(rows.frame_ordinals != nullptr, "rows that evolve have their origins");
  frame_ordinals_ = rows.frame_ordinals;
  row_in_frame_ = rows.row_in_frame;
  ARROW_ASSIGN_OR_RAISE(const auto fields, finder_->Find(block, rows));
  ARROW_RETURN_NOT_OK(UseTable(growth_->table()));
  ARROW_RETURN_NOT_OK(WantNewColumns(fields, drifts));
  std::vector<FrameFault> faults;
  for (const FoundField& field : fields) {
    const auto place = place_of_.find(field.name);
    if (place != place_of_.end()) Append(field, extras_[place->second], &faults);
  }
  for (const FrameFault& fault : faults) Tell(fault.column, fault.reason, drifts);
  fields_.clear();
  arrays_.clear();
  for (Extra& extra : extras_) {
    while (extra.builder->row_count() < rows.rows->num_rows()) extra.builder->AppendNull();
    ARROW_ASSIGN_OR_RAISE(auto array, extra.builder->Finish());
    fields_.push_back(arrow::field(extra.column.name, array->type()));
    arrays_.push_back(std::move(array));
  }
  return faults;
}

arrow::Status ExtraColumns::WantNewColumns(std::span<const FoundField> fields, Drifts* drifts) {
  std::map<std::string, WantedColumn, std::less<>> wanted;
  for (const FoundField& field : fields) {
    if (place_of_.contains(field.name) || left_out_.contains(field.name)) continue;
    const auto found = wanted.find(field.name);
    if (found != wanted.end()) {
      found->second.type = Joined(found->second.type, TypeOf(field));
      continue;
    }
    std::string reason = growth_->Refusal(field.name);
    if (reason.empty() && growth_->IsDeclared(field.name)) {
      reason = "Field is left out: a column of its name is read from elsewhere";
    }
    if (!reason.empty()) {
      LeaveOut(field.name, reason, drifts);
    } else if (wanted.size() < 2 * kNewColumnsMax) {  // The table takes what it has room for.
      const std::string name(field.name);
      wanted[name] = {.name = name, .type = TypeOf(field), .example = std::string(field.text)};
    }
  }
  if (wanted.empty()) return arrow::Status::OK();
  std::vector<WantedColumn> columns;
  for (const auto& [name, column] : wanted) columns.push_back(column);
  ARROW_RETURN_NOT_OK(growth_->Add(columns));
  ARROW_RETURN_NOT_OK(UseTable(growth_->table()));
  for (const auto& [name, column] : wanted) {
    if (!place_of_.contains(name)) LeaveOut(name, growth_->Refusal(name), drifts);
  }
  return arrow::Status::OK();
}

void ExtraColumns::LeaveOut(std::string_view name, const std::string& reason, Drifts* drifts) {
  if (left_out_.size() < kLeftOutNamesMax) {
    Tell(std::string(name), reason, drifts);
    left_out_.emplace(name);
  } else if (!std::exchange(has_told_others_, true)) {
    Tell("*", "Fields are left out, as others before", drifts);
  }
}

arrow::Status ExtraColumns::UseTable(std::shared_ptr<const TableState> table) {
  if (table == table_) return arrow::Status::OK();
  extras_.clear();
  place_of_.clear();
  for (const auto& field : table->schema->fields()) {
    if (growth_->IsDeclared(field->name()) || !field->nullable()) continue;
    auto column = ColumnOf(*field);
    if (!column) continue;
    ARROW_ASSIGN_OR_RAISE(auto builder, ColumnBuilder::Make(*column));
    place_of_[column->name] = extras_.size();
    extras_.push_back({.column = *std::move(column), .builder = std::move(builder)});
  }
  table_ = std::move(table);
  return arrow::Status::OK();
}

void ExtraColumns::Append(const FoundField& field, Extra& extra, std::vector<FrameFault>* faults) {
  ColumnBuilder& builder = *extra.builder;
  if (builder.row_count() > field.row) return;  // Of two fields of a name the first counts.
  while (builder.row_count() < field.row) builder.AppendNull();
  const ColumnType type = extra.column.type;
  std::string reason;
  if (field.kind == FoundKind::kNested && type != ColumnType::kString) {
    builder.AppendNull();
    reason = "an object or array";
  } else if (field.kind == FoundKind::kBool && type != ColumnType::kString) {
    if (builder.AppendBool(field.text == "true")) return;
    reason = builder.reason();
  } else {
    if (builder.AppendText(field.text)) return;
    reason = builder.reason();
  }
  faults->push_back({.row = field.row,
                     .column = extra.column.name,
                     .rule = kRuleColumnType,
                     .reason = "Value is " + reason});
}

arrow::Status ExtraColumns::Attach(Batch* rows) const {
  if (arrays_.empty() || rows->rows == nullptr) return arrow::Status::OK();
  const int64_t row_count = rows->rows->num_rows();
  arrow::ArrayVector columns = arrays_;
  if (row_count != frame_ordinals_->length()) {
    // Runs of rows that stand together come in one piece; steps keep the order.
    std::vector<arrow::ArrayVector> pieces(arrays_.size());
    int64_t from = 0;
    for (int64_t row = 0; row < row_count;) {
      const RowKey key = KeyAt(*rows->frame_ordinals, rows->row_in_frame.get(), row);
      while (from < frame_ordinals_->length() &&
             KeyAt(*frame_ordinals_, row_in_frame_.get(), from) != key) {
        ++from;
      }
      CATCHWATER_CHECK(from < frame_ordinals_->length(), "steps keep the order of rows");
      int64_t length = 1;
      while (row + length < row_count && from + length < frame_ordinals_->length() &&
             KeyAt(*rows->frame_ordinals, rows->row_in_frame.get(), row + length) ==
                 KeyAt(*frame_ordinals_, row_in_frame_.get(), from + length)) {
        ++length;
      }
      for (size_t i = 0; i < arrays_.size(); ++i) {
        pieces[i].push_back(arrays_[i]->Slice(from, length));
      }
      row += length;
      from += length;
    }
    for (size_t i = 0; i < arrays_.size(); ++i) {
      if (pieces[i].empty()) {
        columns[i] = arrays_[i]->Slice(0, 0);
      } else {
        ARROW_ASSIGN_OR_RAISE(columns[i], arrow::Concatenate(pieces[i]));
      }
    }
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(rows->rows,
                          rows->rows->AddColumn(rows->rows->num_columns(), fields_[i], columns[i]));
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
