#include "catchwater/sink/file/partition_sink.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/civil.h"
#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/component/pick_columns.h"
#include "catchwater/sink/file/row_file.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr size_t kOpenFilesMax = 64;
constexpr int64_t kStateBytesMax = 16 << 20;
constexpr int64_t kHourUs = 3'600 * kMicrosPerSecond;
constexpr char kNullFolder[] = "date=__HIVE_DEFAULT_PARTITION__";

std::string FolderOf(int64_t start_us, bool has_hours) {
  const int64_t day_us = FloorTo(start_us, kMicrosPerDay);
  const CivilDate date = CivilFromDays(day_us / kMicrosPerDay);
  char text[48];
  std::snprintf(text, sizeof(text), "date=%04d-%02d-%02d", date.year, date.month, date.day);
  std::string folder = text;
  if (!has_hours) return folder;
  std::snprintf(text, sizeof(text), "/hour=%02d", static_cast<int>((start_us - day_us) / kHourUs));
  return folder + text;
}

Json ToJson(const DeliveryMark& mark) {
  return {{"seq", mark.seq}, {"ordinal", mark.ordinal}, {"file", mark.file}};
}

arrow::Result<DeliveryMark> MarkFromJson(const Json& json, const std::string& path) {
  if (!json.is_object() || !json.contains("seq")) {
    return BadData("Delivered mark of a file sink is damaged; remove it to write the folder anew: ",
                   path);
  }
  return DeliveryMark{.seq = json.value("seq", int64_t{0}),
                      .ordinal = json.value("ordinal", int64_t{-1}),
                      .file = json.value("file", "")};
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRows(const arrow::RecordBatch& rows,
                                                            const std::vector<int64_t>& indices) {
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(indices));
  ARROW_ASSIGN_OR_RAISE(const auto array, builder.Finish());
  ARROW_ASSIGN_OR_RAISE(
      const arrow::Datum taken,
      arrow::compute::Take(arrow::RecordBatch::Make(rows.schema(), rows.num_rows(), rows.columns()),
                           array));
  return taken.record_batch();
}

/// Files are written under `_catchwater/`, then:
///   pending (mark and names) -> renamed into place -> mark -> pending removed
/// What a crash left behind before the mark is removed by the next Open.
class PartitionSink final : public Sink {
 public:
  PartitionSink(const FileSinkConfig& config, PickColumns pick, const SinkContext& context,
                std::string format)
      : pick_(std::move(pick)),
        format_(std::move(format)),
        files_(context.files),
        registry_(context.registry),
        folder_((fs::path(context.project_folder) / config.path).lexically_normal().string()),
        state_folder_(folder_ + "_catchwater"),
        name_(FileNameOf(context.sink)),
        stem_(FileNameOf(context.table_key)),
        time_column_(config.time.empty() ? -1 : pick_.schema()->GetFieldIndex(config.time)),
        has_hours_(config.partition == FilePartition::kHour) {}
  ~PartitionSink() override { static_cast<void>(Close()); }

  arrow::Status Check() override { return files_.CreateDirectories(state_folder_); }
  SinkTraits traits() const override { return {.keeps_mark = true, .replaces_rows = false}; }

  arrow::Result<std::optional<DeliveryMark>> Open() override {
    ARROW_RETURN_NOT_OK(files_.CreateDirectories(TemporaryFolder()));
    ARROW_RETURN_NOT_OK(RemoveTemporary());
    std::optional<DeliveryMark> mark;
    if (const auto state = ReadState(MarkPath()); !state.is_null()) {
      ARROW_ASSIGN_OR_RAISE(mark, MarkFromJson(state, MarkPath()));
    }
    ARROW_RETURN_NOT_OK(UndoPending(mark));
    return mark;
  }
  arrow::Status Restart() override;
  arrow::Status Write(const arrow::RecordBatch& rows) override;
  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>& mark) override;
  arrow::Status Close() override {
    open_.clear();
    finished_.clear();
    return RemoveTemporary();
  }

 private:
  struct Finished {
    std::string temporary_path;
    std::string folder;  // Below folder_; may be empty.
  };
  struct OpenFile {
    std::unique_ptr<RowFile> file;
    std::string temporary_path;
  };

  static std::string FileNameOf(std::string name) {
    std::ranges::replace(name, '/', '-');
    return name;
  }
  std::string MarkPath() const { return state_folder_ + "/" + name_ + ".mark"; }
  std::string PendingPath() const { return state_folder_ + "/" + name_ + ".pending"; }
  std::string TemporaryFolder() const { return state_folder_ + "/" + name_ + ".tmp"; }
  /// Null if the file is not there or damaged.
  Json ReadState(const std::string& path) {
    const auto text = files_.ReadAll(path, kStateBytesMax);
    if (!text.ok()) return nullptr;
    Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
    return json.is_discarded() ? Json(Json::object()) : json;
  }
  arrow::Status RemoveTemporary();
  arrow::Status UndoPending(const std::optional<DeliveryMark>& mark);
  arrow::Status WriteInto(const std::string& folder, const arrow::RecordBatch& rows);
  arrow::Status FinishOpen();
  arrow::Status Publish(const DeliveryMark& mark);

  const PickColumns pick_;
  const std::string format_;
  Files& files_;
  const Registry& registry_;
  const std::string folder_;  // Ends with `/`.
  const std::string state_folder_;
  const std::string name_;
  const std::string stem_;
  const int time_column_;  // -1: no folders.
  const bool has_hours_;
  std::map<std::string, OpenFile> open_;  // By folder; at most kOpenFilesMax.
  std::vector<Finished> finished_;
  int64_t file_count_ = 0;
  int64_t row_count_ = 0;  // Since the last Flush.
};

arrow::Status PartitionSink::RemoveTemporary() {
  const auto entries = files_.List(TemporaryFolder());
  if (!entries.ok()) return arrow::Status::OK();  // It was never made.
  for (const FileEntry& entry : *entries) ARROW_RETURN_NOT_OK(files_.Remove(entry.path));
  return arrow::Status::OK();
}

arrow::Status PartitionSink::UndoPending(const std::optional<DeliveryMark>& mark) {
  const Json pending = ReadState(PendingPath());
  if (pending.is_null()) return arrow::Status::OK();
  const bool is_done = mark && pending.contains("mark") && pending["mark"] == ToJson(*mark);
  if (!is_done && pending.contains("files")) {
    for (const Json& path : pending["files"]) {
      ARROW_RETURN_NOT_OK(files_.Remove(folder_ + path.get<std::string>()));
    }
  }
  return files_.Remove(PendingPath());
}

arrow::Status PartitionSink::Restart() {
  // The mark first: files without one are removed again by whoever comes next.
  ARROW_RETURN_NOT_OK(files_.Remove(MarkPath()));
  std::vector<std::string> folders{folder_};
  while (!folders.empty()) {
    const std::string folder = std::move(folders.back());
    folders.pop_back();
    ARROW_ASSIGN_OR_RAISE(const auto entries, files_.List(folder));
    for (const FileEntry& entry : entries) {
      const std::string name = fs::path(entry.path).filename().string();
      if (entry.is_directory && (name.starts_with("date=") || name.starts_with("hour="))) {
        folders.push_back(entry.path);
      } else if (!entry.is_directory && name.starts_with(stem_ + "-")) {
        ARROW_RETURN_NOT_OK(files_.Remove(entry.path));
      }
    }
  }
  return arrow::Status::OK();
}

arrow::Status PartitionSink::Write(const arrow::RecordBatch& rows) {
  ARROW_ASSIGN_OR_RAISE(const auto picked, pick_.Apply(rows));
  row_count_ += picked->num_rows();
  if (picked->num_rows() == 0) return arrow::Status::OK();
  if (time_column_ < 0) return WriteInto("", *picked);
  const auto& times = static_cast<const arrow::TimestampArray&>(*picked->column(time_column_));
  const int64_t width_us = has_hours_ ? kHourUs : kMicrosPerDay;
  std::map<std::string, std::vector<int64_t>> by_folder;
  std::map<int64_t, std::vector<int64_t>*> by_start;  // Spares making the name of each row.
  for (int64_t row = 0; row < picked->num_rows(); ++row) {
    if (times.IsNull(row)) {
      by_folder[kNullFolder].push_back(row);
      continue;
    }
    const int64_t start_us = FloorTo(times.Value(row), width_us);
    std::vector<int64_t>*& list = by_start[start_us];
    if (list == nullptr) list = &by_folder[FolderOf(start_us, has_hours_)];
    list->push_back(row);
  }
  for (const auto& [folder, indices] : by_folder) {
    ARROW_ASSIGN_OR_RAISE(const auto part, TakeRows(*picked, indices));
    ARROW_RETURN_NOT_OK(WriteInto(folder, *part));
  }
  return arrow::Status::OK();
}

arrow::Status PartitionSink::WriteInto(const std::string& folder, const arrow::RecordBatch& rows) {
  auto found = open_.find(folder);
  if (found == open_.end()) {
    if (open_.size() >= kOpenFilesMax) ARROW_RETURN_NOT_OK(FinishOpen());
    OpenFile opened;
    opened.temporary_path = TemporaryFolder() + "/" + std::to_string(file_count_++);
    ARROW_ASSIGN_OR_RAISE(auto file, files_.CreateNew(opened.temporary_path));
    ARROW_ASSIGN_OR_RAISE(opened.file,
                          MakeRowFile(format_, std::move(file), pick_.schema(), registry_));
    found = open_.emplace(folder, std::move(opened)).first;
  }
  return found->second.file->Write(rows);
}

arrow::Status PartitionSink::FinishOpen() {
  for (auto& [folder, opened] : open_) {
    ARROW_RETURN_NOT_OK(opened.file->Finish());
    finished_.push_back({.temporary_path = opened.temporary_path, .folder = folder});
  }
  open_.clear();
  return arrow::Status::OK();
}

arrow::Result<SinkReceipt> PartitionSink::Flush(const std::optional<DeliveryMark>& mark) {
  ARROW_RETURN_NOT_OK(FinishOpen());
  if (mark) ARROW_RETURN_NOT_OK(Publish(*mark));
  return SinkReceipt{.row_count = std::exchange(row_count_, 0)};
}

arrow::Status PartitionSink::Publish(const DeliveryMark& mark) {
  Json pending{{"mark", ToJson(mark)}, {"files", Json::array()}};
  std::set<std::string> folders;
  std::vector<std::string> paths;
  for (size_t i = 0; i < finished_.size(); ++i) {
    const std::string prefix = finished_[i].folder.empty() ? "" : finished_[i].folder + "/";
    paths.push_back(prefix + stem_ + "-" + std::to_string(mark.seq) + "-" +
                    std::to_string(mark.ordinal) + "-" + std::to_string(i) + "." + format_);
    pending["files"].push_back(paths.back());
    folders.insert(folder_ + finished_[i].folder);
  }
  ARROW_RETURN_NOT_OK(files_.PublishAtomically(PendingPath(), pending.dump()));
  for (const std::string& folder : folders) ARROW_RETURN_NOT_OK(files_.CreateDirectories(folder));
  for (size_t i = 0; i < finished_.size(); ++i) {
    ARROW_RETURN_NOT_OK(files_.Rename(finished_[i].temporary_path, folder_ + paths[i]));
  }
  for (const std::string& folder : folders) ARROW_RETURN_NOT_OK(files_.SyncDirectory(folder));
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kDeliverInTarget));
  ARROW_RETURN_NOT_OK(files_.PublishAtomically(MarkPath(), ToJson(mark).dump()));
  finished_.clear();
  return files_.Remove(PendingPath());
}

}  // namespace

arrow::Result<std::unique_ptr<Sink>> MakePartitionSink(const FileSinkConfig& config,
                                                       const SinkContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto pick, PickColumns::Make(config.columns, context.schema));
  std::string format = config.codec.empty() ? "parquet" : config.codec;
  if (format != "parquet" && format != "csv" && format != "json") {
    return ConfigError("`codec` of a file sink is csv, json or parquet, not: ", format);
  }
  if (config.path.find("://") != config.path.npos) {
    return ConfigError("File sink of a table writes to local folders only, `path`: ", config.path);
  }
  if (!config.time.empty()) {
    const auto time = pick.schema()->GetFieldByName(config.time);
    if (time == nullptr || time->type()->id() != arrow::Type::TIMESTAMP) {
      return ConfigError("`time` must name a timestamp column of the sink: ", config.time);
    }
  }
  return std::make_unique<PartitionSink>(config, std::move(pick), context, std::move(format));
}

}  // namespace catchwater
