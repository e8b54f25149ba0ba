#include "catchwater/stream/keyed_aggregate.h"

#include <iterator>
#include <string>
#include <utility>

#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>

#include "catchwater/base/error.h"
#include "catchwater/stream/state_bytes.h"

namespace catchwater {

arrow::Result<arrow::FieldVector> KeyFields(const std::vector<std::string>& key,
                                            const arrow::Schema& input) {
  arrow::FieldVector fields;
  for (const std::string& column : key) {
    const auto field = input.GetFieldByName(column);
    if (field == nullptr) return ConfigError("Stream has no such column: ", column);
    if (arrow::is_floating(field->type()->id())) {
      return ConfigError("Floats cannot be a key; use a decimal or a string, column: ", column);
    }
    fields.push_back(arrow::field(column, field->type()));
  }
  return fields;
}

std::vector<std::shared_ptr<arrow::DataType>> TypesOf(const arrow::FieldVector& fields) {
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (const auto& field : fields) types.push_back(field->type());
  return types;
}

arrow::Result<KeyedAggregate> KeyedAggregate::Make(const KeyedAggregateOptions& options,
                                                   const arrow::Schema& schema) {
  ARROW_ASSIGN_OR_RAISE(auto fields, KeyFields(options.key, schema));
  auto key_types = TypesOf(fields);
  ARROW_ASSIGN_OR_RAISE(auto aggregates,
                        AggregateSet::Make(options.compute, schema, options.event_time_column));
  fields.insert(fields.end(), aggregates.fields().begin(), aggregates.fields().end());
  KeyedAggregate made(options, std::move(key_types), std::move(aggregates));
  made.schema_ = arrow::schema(std::move(fields));
  return made;
}

arrow::Status KeyedAggregate::Add(const Batch& batch) {
  ARROW_ASSIGN_OR_RAISE(const auto groups, groups_.Assign(*batch.rows, options_.key));
  aggregates_.Add(batch, groups, groups_.group_count());
  row_count_ += batch.rows->num_rows();
  return CheckState();
}

arrow::Status KeyedAggregate::CheckState() const {
  const int64_t byte_count = groups_.byte_count() + aggregates_.byte_count();
  if (byte_count <= options_.state_bytes_max) return arrow::Status::OK();
  return BadData("Aggregation has too many different keys for its memory, bytes and keys: ",
                 options_.state_bytes_max, " ", groups_.group_count());
}

void KeyedAggregate::Merge(const KeyedAggregate& other) {
  std::vector<uint32_t> from(other.groups_.group_count());
  std::vector<uint32_t> to(from.size());
  for (uint32_t group = 0; group < from.size(); ++group) {
    from[group] = group;
    to[group] = groups_.AssignEncoded(other.groups_.encoded(group));
  }
  aggregates_.Merge(other.aggregates_, from, to, groups_.group_count());
  row_count_ += other.row_count_;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedAggregate::AllGroups() const {
  ARROW_ASSIGN_OR_RAISE(auto columns, groups_.KeyColumns());
  ARROW_ASSIGN_OR_RAISE(auto values, aggregates_.Finish(groups_.group_count()));
  std::move(values.begin(), values.end(), std::back_inserter(columns));
  return arrow::RecordBatch::Make(schema_, groups_.group_count(), std::move(columns));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedAggregate::Finish() const {
  ARROW_ASSIGN_OR_RAISE(const auto all, AllGroups());
  return Sorted(all);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedAggregate::Sorted(
    const std::shared_ptr<arrow::RecordBatch>& rows) const {
  if (options_.key.empty() || rows->num_rows() < 2) return rows;
  std::vector<arrow::compute::SortKey> sort_keys;
  sort_keys.reserve(options_.key.size());
  for (size_t i = 0; i < options_.key.size(); ++i) {  // The key columns come first.
    sort_keys.push_back(arrow::compute::SortKey(arrow::FieldRef(static_cast<int>(i)),
                                                arrow::compute::SortOrder::Ascending,
                                                arrow::compute::NullPlacement::AtStart));
  }
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());
  ARROW_ASSIGN_OR_RAISE(
      const auto indices,
      arrow::compute::SortIndices(rows, arrow::compute::SortOptions(std::move(sort_keys))));
  ARROW_ASSIGN_OR_RAISE(const auto sorted, arrow::compute::Take(rows, indices));
  return sorted.record_batch();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedAggregate::FinishKeysOf(
    const KeyedAggregate& other) const {
  ARROW_ASSIGN_OR_RAISE(const auto all, AllGroups());
  arrow::UInt32Builder wanted;
  for (uint32_t group = 0; group < other.groups_.group_count(); ++group) {
    const auto here = groups_.Find(other.groups_.encoded(group));
    CATCHWATER_CHECK(here.has_value(), "results are asked of keys that were merged");
    ARROW_RETURN_NOT_OK(wanted.Append(*here));
  }
  ARROW_ASSIGN_OR_RAISE(const auto indices, wanted.Finish());
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());
  ARROW_ASSIGN_OR_RAISE(const auto taken, arrow::compute::Take(all, indices));
  return Sorted(taken.record_batch());
}

std::string KeyedAggregate::Meaning() const {
  std::string meaning;
  for (const std::string& key : options_.key) {
    meaning += key + ":" + schema_->GetFieldByName(key)->type()->ToString() + "|";
  }
  return meaning + aggregates_.Meaning();
}

std::string KeyedAggregate::Save() const {
  StateWriter state;
  state.PutText(Meaning());
  state.Put(row_count_);
  groups_.Save(/*from=*/0, &state);
  aggregates_.Save(&state);
  return state.Take();
}

arrow::Status KeyedAggregate::LoadInto(std::string_view bytes) {
  CATCHWATER_CHECK(row_count_ == 0 && groups_.group_count() == 0, "state is loaded once");
  StateReader state(bytes);
  if (state.GetText() != Meaning()) {
    return BadData("Operator state belongs to other keys or aggregates");
  }
  row_count_ = state.Get<int64_t>();
  groups_.Load(&state);
  ARROW_RETURN_NOT_OK(state.status());
  aggregates_.Load(&state, groups_.group_count());
  if (!state.is_at_end()) state.Fail();
  return state.status();
}

}  // namespace catchwater
