#include "catchwater/source/file/file_source.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/store_path.h"

namespace catchwater {
namespace {

constexpr int64_t kLingerUs = 1'000;
constexpr int64_t kCompleteAfterWatchingMs = 1'000;
constexpr int64_t kLookPauseUsMin = 50'000;
constexpr int64_t kLookPauses = 4;  // Times the duration of a look: listing takes a fifth at most.

int64_t CompleteAfterMs(const FileSourceConfig& config) {
  if (config.complete_after) return config.complete_after->ms;
  return config.watch ? kCompleteAfterWatchingMs : 0;
}

bool IsNotYet(const NextResult& result) { return std::holds_alternative<NotYet>(result); }
bool IsLast(const NextResult& result) {
  return std::holds_alternative<PartitionEnd>(result) ||
         std::holds_alternative<PartitionFailed>(result);
}

}  // namespace

arrow::Status FileSourceConfig::Check() const {
  const std::vector<std::string> paths = Paths();
  const bool is_good =
      !paths.empty() &&
      std::none_of(paths.begin(), paths.end(), [](const auto& text) { return text.empty(); });
  if (!is_good) return ConfigError("`path` must be a path or a list of paths");
  if (notify) {
    ARROW_RETURN_NOT_OK(notify->Check());
    const auto is_in_store = [](const std::string& text) { return IsStorePath(text); };
    if (!watch || !std::ranges::all_of(paths, is_in_store)) {
      return ConfigError(
          "`notify` tells of objects in a store: set `watch: true`, with a `path` of `s3://` only");
    }
  }
  return PathPattern::Parse(pattern).status();
}

std::vector<std::string> FileSourceConfig::Paths() const {
  std::vector<std::string> paths;
  if (path.is_scalar()) paths.push_back(path.text());
  for (const ConfigNode& item : path.items()) paths.push_back(item.text());
  return paths;
}

arrow::Result<std::unique_ptr<FileSource>> FileSource::Make(const FileSourceConfig& config,
                                                            const SourceContext& context) {
  ARROW_RETURN_NOT_OK(config.Check());
  ARROW_ASSIGN_OR_RAISE(PathPattern pattern, PathPattern::Parse(config.pattern));
  if (!context.make_framer) return ConfigError("Source `file` needs a codec that frames its bytes");
  ARROW_ASSIGN_OR_RAISE(auto framer, context.make_framer());
  if (!framer) return ConfigError("Source `file` needs a codec that frames its bytes");
  return std::unique_ptr<FileSource>(
      new FileSource(config, context, std::move(pattern), std::move(framer)));
}

FileSource::FileSource(const FileSourceConfig& config, const SourceContext& context,
                       PathPattern pattern, std::unique_ptr<Framer> framer)
    : config_(config),
      files_(context.files),
      clock_(context.clock),
      folder_(context.project_folder),
      framer_(std::move(framer)),
      shared_{.files = context.files,
              .clock = context.clock,
              .framer = *framer_,
              .pool = ReadBufferPool::Make(config.block_bytes.bytes),
              .block_bytes = config.block_bytes.bytes,
              .frame_bytes_max = context.frame_bytes_max,
              .decompress = {}},
      finder_({.patterns = config.Paths(),
               .folder = context.project_folder,
               .path_pattern = std::move(pattern),
               .follow = config.follow,
               .complete_after_ms = CompleteAfterMs(config),
               .identity_names = {}},
              context.files, context.clock, framer_.get()) {}

arrow::Status FileSource::Check() {
  ARROW_ASSIGN_OR_RAISE(const Found found, FindFiles(files_, folder_, config_.Paths()));
  has_found_ = !found.files.empty() || !found.unreadable.empty();
  if (config_.notify && events_ == nullptr) {
    const arrow::Status reached = ObjectEvents::Check(*config_.notify, EventOptions(), clock_);
    // A pipeline goes on without: what is not told is found by the listing.
    const bool is_away = KindOf(reached) == ErrorKind::kUnavailable;
    if (!is_away) ARROW_RETURN_NOT_OK(reached);
    not_told_ = is_away ? reached.message() : "";
  }
  // What is watched may appear later, and a folder may be empty today.
  if (is_watching() || has_found_ || MissingBeginnings().empty()) return arrow::Status::OK();
  return NotFound(nothing_found());
}

std::string FileSource::MissingBeginnings() const {
  std::string missing;
  for (const std::string& path : config_.Paths()) {
    const std::string part = MissingBeginning(files_, folder_, path);
    if (!part.empty()) missing += (missing.empty() ? "" : ", ") + part;
  }
  return missing;
}

std::string FileSource::nothing_found() const {
  if (!not_told_.empty()) return "Events of `notify` cannot be received: " + not_told_;
  if (has_found_) return "";
  const std::string missing = MissingBeginnings();
  if (is_watching() && missing.empty()) return "";
  std::string patterns;
  for (const std::string& path : config_.Paths()) {
    patterns += (patterns.empty() ? "" : ", ") + path;
  }
  return "No file matches `path`: " + patterns +
         (missing.empty() ? "" : "; this does not exist: " + missing);
}

ObjectEventsOptions FileSource::EventOptions() const {
  return {.patterns = config_.Paths(), .project_folder = folder_, .files = &files_};
}

arrow::Result<std::vector<Offer>> FileSource::Discover() {
  // Before the look: what is created after it is told.
  if (events_ != nullptr) {
    static_cast<void>(events_->Take());
    not_told_ = events_->Trouble();
  } else if (config_.notify) {
    ARROW_ASSIGN_OR_RAISE(events_, ObjectEvents::Listen(*config_.notify, EventOptions(), clock_));
  }
  is_told_ = false;
  const int64_t begun_us = clock_.MonotonicMicros();
  auto offers = finder_.Discover();
  const int64_t ended_us = clock_.MonotonicMicros();
  look_again_us_ = ended_us + std::max(kLookPauseUsMin, kLookPauses * (ended_us - begun_us));
  has_found_ = finder_.has_found();
  return offers;
}

bool FileSource::IsToldToLook() {
  if (events_ == nullptr) return false;
  is_told_ |= events_->Take();
  return is_told_ && clock_.MonotonicMicros() >= look_again_us_;
}

arrow::Result<std::string> FileSource::FullHash(const Offer& offer) {
  return finder_.FullHash(offer);
}

arrow::Status FileSource::Open(const Offer& offer, int64_t partition_id,
                               const Position& resume_at) {
  FileOffer file = finder_.Resolve(offer);
  auto& readers = offer.is_bounded ? bounded_ : followed_;
  readers.push_back(std::make_unique<PartitionReader>(shared_, std::move(file.offer),
                                                      std::move(file.path), std::move(file.failure),
                                                      partition_id, resume_at));
  return arrow::Status::OK();
}

arrow::Result<NextResult> FileSource::Next(std::stop_token stop) {
  if (stop.stop_requested()) return NotYet{};
  if (IsToldToLook()) return OffersChanged{};
  if (auto result = NextOfFollowed()) return *std::move(result);
  if (auto result = NextOfBounded(stop)) return *std::move(result);
  if (!is_watching() && bounded_.empty() && followed_.empty()) return SourceEnd{};
  clock_.SleepMicros(kLingerUs, stop);
  return NotYet{};
}

std::optional<NextResult> FileSource::NextOfFollowed() {
  const int64_t now_us = followed_.empty() ? 0 : clock_.MonotonicMicros();
  for (size_t asked = 0, count = followed_.size(); asked < count; ++asked) {
    std::unique_ptr<PartitionReader> reader = std::move(followed_.front());
    followed_.pop_front();
    NextResult result = NotYet{};
    if (now_us >= reader->poll_at_us()) result = reader->Next();
    if (!IsLast(result)) followed_.push_back(std::move(reader));
    if (!IsNotYet(result)) return result;
  }
  return std::nullopt;
}

std::optional<NextResult> FileSource::NextOfBounded(const std::stop_token& stop) {
  while (!bounded_.empty()) {
    PartitionReader& reader = *bounded_.front();
    NextResult result = reader.Next();
    if (const auto* content = reader.whole_content(); content && IsLast(result)) {
      finder_.KnowContent(reader.offer(), *content);
    }
    if (IsLast(result)) bounded_.pop_front();
    if (!IsNotYet(result)) return result;
    if (stop.stop_requested()) return std::nullopt;  // In the middle of a very long record.
  }
  return std::nullopt;
}

// What is committed stands in the ledger; a file has nothing to trim.
arrow::Status FileSource::Acknowledge(int64_t, const Position&) { return arrow::Status::OK(); }

arrow::Status FileSource::Close() {
  bounded_.clear();
  followed_.clear();
  return arrow::Status::OK();
}

int64_t FileSource::discover_interval_ms() const { return is_watching() ? config_.poll.ms : 0; }

TakePolicy FileSource::take_policy() const {
  return {.min_files = config_.take.min_files, .max_age_ms = config_.take.max_age.ms};
}

void FileSource::SetIdentityAttributes(std::vector<std::string> names) {
  finder_.SetIdentityNames(std::move(names));
}

arrow::Status RegisterFileSource(Registry& registry) {
  return registry.AddSource<FileSourceConfig>(
      {.name = "file",
       .summary = "Reads files and folders, once or as they grow.",
       .details =
           "Exactly once: a file is known by its content and by what its path says to the columns, "
           "so that a second run, a `touch` or a copy adds nothing. Reads gzip and zstd. Names "
           "that begin with a dot or end in `.tmp` or `.part` are left alone. Columns may take "
           "`path.file`, `path.stem`, `path.full`, `path.dir`, `path.<key>` of `key=value` folders "
           "and `path.<name>` of `pattern`. A followed file is known by its head and first record: "
           "they must not change."},
      [](const FileSourceConfig& config, const SourceContext& context)
          -> arrow::Result<std::unique_ptr<Source>> { return FileSource::Make(config, context); });
}

}  // namespace catchwater
