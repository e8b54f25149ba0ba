#include "catchwater/cli/work_files.h"

#include <optional>

#include "catchwater/base/timestamp.h"
#include "catchwater/cli/text_grid.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

Json TimeOrNull(const std::optional<int64_t>& us) {
  if (!us) return nullptr;
  std::string text;
  AppendTimestamp(*us, /*with_z=*/true, &text);
  return text;
}

Json ToJson(const InputFileRecord& file) {
  return {{"kind", "input"},
          {"path", file.path},
          {"pipeline", file.pipeline},
          {"state", WorkStateLabel(file.state)},
          {"attempts", file.attempts},
          {"reason", file.reason},
          {"bytes", file.byte_count},
          {"entities", file.entities},
          {"event_min", TimeOrNull(file.event_us_min)},
          {"event_max", TimeOrNull(file.event_us_max)},
          {"started", TimeOrNull(file.started_us)},
          {"finished", TimeOrNull(file.finished_us)}};
}

Json ToJson(const DataFileRecord& record) {
  return {{"kind", "data"},
          {"path", record.file.path},
          {"table", record.table_key},
          {"state", WorkStateLabel(record.state)},
          {"attempts", record.attempts},
          {"reason", record.reason},
          {"bytes", record.file.byte_count},
          {"rows", record.file.row_count},
          {"partition", record.file.partition_key},
          {"event_min", TimeOrNull(record.file.event_us_min)},
          {"event_max", TimeOrNull(record.file.event_us_max)},
          {"started", TimeOrNull(record.added_us)},
          {"finished", TimeOrNull(record.finished_us)}};
}

std::string EntitiesText(const Json& file) {
  if (!file.contains("entities")) return std::string(file.value("partition", ""));
  const auto& names = file["entities"];
  if (names.empty()) return "";
  std::string text = names[0].get<std::string>();
  if (names.size() > 1) text += " +" + std::to_string(names.size() - 1);
  return text;
}

std::string TextOf(const Json& file, const char* key) {
  return file[key].is_null() ? "" : file[key].get<std::string>();
}

/// One more than asked for is read: it tells that there are more.
WorkQuery OneMore(WorkQuery query) {
  ++query.limit;
  return query;
}

template <typename Record>
void Append(const std::vector<Record>& records, int64_t limit, WorkFileList* list) {
  for (const Record& record : records) {
    if (limit-- == 0) {
      list->is_cut = true;
      return;
    }
    list->files.push_back(ToJson(record));
  }
}

}  // namespace

const char* WorkStateLabel(WorkState state) {
  switch (state) {
    case WorkState::kToProcess:
      return "To Process";
    case WorkState::kProcessing:
      return "Processing";
    case WorkState::kDone:
      return "Done";
    case WorkState::kFailed:
      return "Failed";
  }
  return "";
}

arrow::Status AddInputFiles(Ledger& ledger, const WorkQuery& query, WorkFileList* list) {
  ARROW_ASSIGN_OR_RAISE(const auto inputs, ledger.Inputs(OneMore(query)));
  Append(inputs, query.limit, list);
  return arrow::Status::OK();
}

arrow::Status AddDataFiles(Ledger& ledger, const WorkQuery& query, WorkFileList* list) {
  ARROW_ASSIGN_OR_RAISE(const auto files, ledger.DataFiles(OneMore(query)));
  Append(files, query.limit, list);
  return arrow::Status::OK();
}

std::string DrawWorkFiles(const WorkFileList& list) {
  TextGrid grid({"state", "path", "tries", "entities, partition", "events from", "events to",
                 "started", "finished", "reason"});
  for (const Json& file : list.files) {
    grid.Add({TextOf(file, "state"), TextOf(file, "path"),
              std::to_string(file["attempts"].get<int>()), EntitiesText(file),
              TextOf(file, "event_min"), TextOf(file, "event_max"), TextOf(file, "started"),
              TextOf(file, "finished"), TextOf(file, "reason")});
  }
  return grid.Draw();
}

}  // namespace catchwater
