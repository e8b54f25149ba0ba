#include "catchwater/pipeline/table_growth.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/text.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/lake/commit.h"
#include "catchwater/lake/evolve.h"

namespace catchwater {
namespace {

constexpr size_t kNameBytesMax = 63;
constexpr size_t kExampleBytesMax = 100;

bool IsColumnName(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto is_inner = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kNameBytesMax && is_letter(name.front()) &&
         std::ranges::all_of(name, is_inner);
}

bool Fits(const arrow::Array& array, const arrow::DataType& narrow) {
  if (array.type_id() == arrow::Type::INT64 && narrow.id() == arrow::Type::INT32) {
    const auto& values = static_cast<const arrow::Int64Array&>(array);
    for (int64_t i = 0; i < values.length(); ++i) {
      if (values.IsNull(i)) continue;
      if (values.Value(i) < std::numeric_limits<int32_t>::min() ||
          values.Value(i) > std::numeric_limits<int32_t>::max()) {
        return false;
      }
    }
    return true;
  }
  const auto& values = static_cast<const arrow::DoubleArray&>(array);
  for (int64_t i = 0; i < values.length(); ++i) {
    if (values.IsNull(i) || !std::isfinite(values.Value(i))) continue;
    if (std::abs(values.Value(i)) > std::numeric_limits<float>::max()) return false;
  }
  return true;
}

bool IsWiderThan(const arrow::DataType& wide, const arrow::DataType& narrow) {
  return (wide.id() == arrow::Type::INT64 && narrow.id() == arrow::Type::INT32) ||
         (wide.id() == arrow::Type::DOUBLE && narrow.id() == arrow::Type::FLOAT);
}

/// The columns whose values do not fit into the table, with the wider type.
std::vector<WantedColumn> TooWide(const arrow::RecordBatch& rows, const arrow::Schema& table) {
  std::vector<WantedColumn> columns;
  for (int i = 0; i < rows.num_columns(); ++i) {
    const auto& field = rows.schema()->field(i);
    const auto found = table.GetFieldByName(field->name());
    if (found == nullptr || !IsWiderThan(*field->type(), *found->type())) continue;
    if (!Fits(*rows.column(i), *found->type())) {
      columns.push_back({.name = field->name(), .type = field->type(), .example = {}});
    }
  }
  return columns;
}

std::string TypeWord(const arrow::DataType& type) {
  const auto iceberg = TypeFromArrow(type);
  return iceberg.ok() ? TypeText(*iceberg) : type.ToString();
}

Event ChangeEvent(const std::string& table_key, const std::string& at, const std::string& actor,
                  const WantedColumn& column, const arrow::Field* before) {
  nlohmann::json body{{"at", at},
                      {"by", actor},
                      {"column", column.name},
                      {"change", before == nullptr ? "added" : "widened"},
                      {"type", TypeWord(*column.type)}};
  if (before != nullptr) body["from"] = TypeWord(*before->type());
  if (!column.example.empty()) body["example"] = column.example.substr(0, kExampleBytesMax);
  return {.kind = "schema_change",
          .object = table_key,
          .body_json = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

}  // namespace

TableGrowth::TableGrowth(Lake& lake, TableSpec spec, std::string actor, Fence fence,
                         std::shared_ptr<const TableState> table)
    : lake_(lake),
      spec_(std::move(spec)),
      actor_(std::move(actor)),
      fence_(std::move(fence)),
      table_(std::move(table)) {}

std::shared_ptr<const TableState> TableGrowth::table() const {
  const std::lock_guard lock(mutex_);
  return table_;
}

bool TableGrowth::IsDeclared(std::string_view name) const {
  return spec_.schema->GetFieldIndex(std::string(name)) >= 0;
}

std::string TableGrowth::Refusal(std::string_view name) const {
  const auto now = table();
  if (now->schema->GetFieldIndex(std::string(name)) >= 0) return "";
  if (!IsColumnName(name)) {
    return "Field is left out: a new column's name is letters, digits and `_`, at most 63";
  }
  for (const auto& field : now->schema->fields()) {
    if (!IsSameIgnoringCase(field->name(), name)) continue;
    return "Field is left out: its name differs only in case from the column " + field->name();
  }
  for (const PartitionTerm& term : spec_.partition) {
    if (IsSameIgnoringCase(term.name, name)) {
      return "Field is left out: the table has a partition field of its name";
    }
  }
  const auto declared = static_cast<size_t>(spec_.schema->num_fields());
  if (static_cast<size_t>(now->schema->num_fields()) >= declared + kNewColumnsMax) {
    return "Field is left out: the table has 100 columns beside those declared; declare what is "
           "needed under `columns`";
  }
  return "";
}

arrow::Status TableGrowth::Add(const std::vector<WantedColumn>& wanted) {
  return Change(wanted, /*widens=*/false);
}

arrow::Status TableGrowth::Change(const std::vector<WantedColumn>& wanted, bool widens) {
  const std::lock_guard change_lock(change_mutex_);
  // Another process may have changed it since.
  ARROW_ASSIGN_OR_RAISE(auto now, lake_.LoadTable(spec_.table_key));
  {
    const std::lock_guard lock(mutex_);
    table_ = now;
  }
  TableSpec spec = spec_;
  arrow::FieldVector fields;
  for (const auto& field : spec_.schema->fields()) {
    const auto there = now->schema->GetFieldByName(field->name());
    fields.push_back(there == nullptr ? field : field->WithType(there->type()));
  }
  std::string at;
  AppendTimestamp(lake_.clock().NowMicros(), /*with_z=*/true, &at);
  CommitRequest request;
  const auto of_others =
      static_cast<size_t>(now->schema->num_fields() - spec_.schema->num_fields());
  for (const WantedColumn& column : wanted) {
    const auto before = now->schema->GetFieldByName(column.name);
    const bool is_change = widens ? before != nullptr && IsWiderThan(*column.type, *before->type())
                                  : before == nullptr && Refusal(column.name).empty() &&
                                        of_others + request.plan.events.size() < kNewColumnsMax;
    if (!is_change) continue;
    const auto place = std::ranges::find(fields, column.name, &arrow::Field::name);
    if (place == fields.end()) {
      fields.push_back(arrow::field(column.name, column.type));
    } else {
      *place = (*place)->WithType(column.type);
    }
    request.plan.events.push_back(ChangeEvent(spec_.table_key, at, actor_, column, before.get()));
  }
  if (request.plan.events.empty()) return arrow::Status::OK();
  spec.schema = arrow::schema(std::move(fields));
  EvolveChange change(lake_, spec);
  request.plan.id = lake_.NewUuid();
  request.plan.actor = actor_;
  request.plan.fences = {fence_};
  request.changes.push_back(&change);
  Committer committer(lake_);
  ARROW_ASSIGN_OR_RAISE(const CommitResult result, committer.Commit(std::move(request)));
  if (result.outcome != Outcome::kCommitted) {
    return Conflict("Table could not take up a column, table and outcome: ", spec_.table_key, " ",
                    OutcomeName(result.outcome));
  }
  ARROW_ASSIGN_OR_RAISE(now, lake_.LoadTable(spec_.table_key));
  const std::lock_guard lock(mutex_);
  table_ = std::move(now);
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TableGrowth::Fit(
    const std::shared_ptr<arrow::RecordBatch>& rows) {
  auto now = table();
  if (const auto too_wide = TooWide(*rows, *now->schema); !too_wide.empty()) {
    ARROW_RETURN_NOT_OK(Change(too_wide, /*widens=*/true));
    now = table();
  }
  auto fitted = rows;
  for (int i = 0; i < rows->num_columns(); ++i) {
    const auto field = rows->schema()->field(i);
    const auto wanted = now->schema->GetFieldByName(field->name());
    if (wanted == nullptr || !IsWiderThan(*field->type(), *wanted->type())) continue;
    const auto options = arrow::compute::CastOptions::Unsafe(wanted->type());
    ARROW_ASSIGN_OR_RAISE(const auto narrow,
                          arrow::compute::Cast(*rows->column(i), wanted->type(), options));
    ARROW_ASSIGN_OR_RAISE(fitted, fitted->SetColumn(i, field->WithType(wanted->type()), narrow));
  }
  return fitted;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ToSchema(
    const std::shared_ptr<arrow::RecordBatch>& rows, const arrow::Schema& schema) {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const auto& field : schema.fields()) {
    std::shared_ptr<arrow::Array> column = rows->GetColumnByName(field->name());
    if (column == nullptr) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::MakeArrayOfNull(field->type(), rows->num_rows()));
    } else if (IsWiderThan(*field->type(), *column->type())) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::compute::Cast(*column, field->type()));
    }
    fields.push_back(arrow::field(field->name(), column->type()));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows->num_rows(),
                                  std::move(columns));
}

}  // namespace catchwater
