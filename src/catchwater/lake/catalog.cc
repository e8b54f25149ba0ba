#include "catchwater/lake/catalog.h"

#include <charconv>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/store_path.h"
#include "catchwater/lake/commit.h"
#include "catchwater/lake/evolve.h"

namespace catchwater {
namespace {

constexpr int64_t kMetadataBytesMax = 256LL << 20;
constexpr size_t kTablesCachedMax = 10'000;
constexpr std::string_view kScheme = "file:";

int64_t SummaryNumber(const TableMetadata& metadata, const char* key) {
  const Snapshot* snapshot = metadata.current_snapshot();
  if (snapshot == nullptr) return 0;
  const auto found = snapshot->summary.find(key);
  int64_t number = 0;
  if (found != snapshot->summary.end()) {
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

}  // namespace

int64_t TableState::record_count() const { return SummaryNumber(*metadata, "total-records"); }
int64_t TableState::data_file_count() const { return SummaryNumber(*metadata, "total-data-files"); }

Lake::Lake(Files& files, Ledger& ledger, const Clock& clock, Random random, LakeOptions options)
    : files_(files),
      ledger_(ledger),
      clock_(clock),
      options_(std::move(options)),
      manifests_(files),
      random_(random) {}

arrow::Result<std::unique_ptr<Lake>> Lake::Open(Files& files, Ledger& ledger, const Clock& clock,
                                                Random random, LakeOptions options) {
  if (!options.warehouse.starts_with('/') && !IsStorePath(options.warehouse)) {
    return ConfigError("Warehouse must be an absolute path or s3://bucket/prefix: ",
                       options.warehouse);
  }
  while (options.warehouse.size() > 1 && options.warehouse.ends_with('/')) {
    options.warehouse.pop_back();
  }
  ARROW_RETURN_NOT_OK(files.CreateDirectories(options.warehouse));
  return std::unique_ptr<Lake>(new Lake(files, ledger, clock, random, std::move(options)));
}

arrow::Result<std::shared_ptr<const TableState>> Lake::LoadTable(const std::string& table_key) {
  ARROW_ASSIGN_OR_RAISE(const auto location, ledger_.TablePointer(table_key));
  if (!location) return NotFound("Table does not exist: ", table_key);
  return LoadAt(table_key, *location);
}

arrow::Result<std::shared_ptr<const TableState>> Lake::LoadAt(const std::string& table_key,
                                                              const std::string& location) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = newest_.find(table_key);
    if (found != newest_.end() && found->second->location == location) return found->second;
  }
  ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(location));
  ARROW_ASSIGN_OR_RAISE(const std::string text, files_.ReadAll(path, kMetadataBytesMax));
  auto metadata = ParseMetadata(text);
  if (!metadata.ok()) {
    return WithContext(metadata.status(), "Table " + table_key + ", " + location);
  }
  ARROW_ASSIGN_OR_RAISE(
      auto state, MakeTableState(table_key, location,
                                 std::make_shared<const TableMetadata>(std::move(*metadata))));
  Remember(state);
  return state;
}

void Lake::Remember(std::shared_ptr<const TableState> state) {
  const std::lock_guard lock(mutex_);
  if (newest_.size() >= kTablesCachedMax) newest_.clear();
  newest_[state->table_key] = std::move(state);
}

arrow::Result<std::shared_ptr<const TableState>> Lake::EnsureTable(
    const TableSpec& spec, const std::string& actor, const std::vector<Fence>& fences) {
  ARROW_RETURN_NOT_OK(CheckTableSpec(spec));
  EvolveChange change(*this, spec);
  CommitRequest request;
  request.plan.id = NewUuid();
  request.plan.actor = actor;
  request.plan.fences = fences;
  request.changes.push_back(&change);
  if (change.IsFulfilledBy(*this)) return LoadTable(spec.table_key);
  Committer committer(*this);
  ARROW_ASSIGN_OR_RAISE(const CommitResult result, committer.Commit(std::move(request)));
  if (result.outcome != Outcome::kCommitted) {
    return Conflict("Table could not be made or changed, table and outcome: ", spec.table_key, " ",
                    OutcomeName(result.outcome));
  }
  return LoadTable(spec.table_key);
}

std::string Lake::NewUuid() {
  const std::lock_guard lock(mutex_);
  return random_.Uuid();
}

int64_t Lake::NewSnapshotId() {
  for (;;) {
    const auto id = static_cast<int64_t>(NewRandom() >> 1);
    if (id != 0) return id;
  }
}

uint64_t Lake::NewRandom() {
  const std::lock_guard lock(mutex_);
  return random_.Next();
}

std::string Lake::TableFolder(std::string_view table_key) const {
  const size_t dot = table_key.rfind('.');
  return options_.warehouse + "/" + std::string(table_key.substr(0, dot)) + "/" +
         std::string(table_key.substr(dot + 1));
}

arrow::Result<std::shared_ptr<const TableState>> MakeTableState(
    std::string table_key, std::string location, std::shared_ptr<const TableMetadata> metadata) {
  auto state = std::make_shared<TableState>();
  state->table_key = std::move(table_key);
  state->location = std::move(location);
  ARROW_ASSIGN_OR_RAISE(state->schema, SchemaToArrow(metadata->schema()));
  const auto event_time = metadata->properties.find(kEventTimeProperty);
  if (event_time != metadata->properties.end()) state->event_time_column = event_time->second;
  state->metadata = std::move(metadata);
  return state;
}

arrow::Result<std::string> PathOfUri(std::string_view uri) {
  if (uri.starts_with('/')) return std::string(uri);
  if (IsStorePath(uri)) return std::string(uri);
  for (const std::string_view scheme : {"s3a://", "s3n://"}) {
    if (uri.starts_with(scheme)) return "s3://" + std::string(uri.substr(scheme.size()));
  }
  if (!uri.starts_with(kScheme)) {
    return ConfigError("Only local files and s3:// can be read, not: ", uri);
  }
  uri.remove_prefix(kScheme.size());
  if (uri.starts_with("//")) {
    uri.remove_prefix(2);
    if (uri.starts_with("localhost/")) uri.remove_prefix(std::string_view("localhost").size());
  }
  if (!uri.starts_with('/')) return ConfigError("File URI must have an absolute path: ", uri);
  return std::string(uri);
}

std::string UriOfPath(std::string_view path) {
  return IsStorePath(path) ? std::string(path) : "file://" + std::string(path);
}

}  // namespace catchwater
