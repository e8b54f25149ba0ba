/// \file
/// Source `file`: files and folders, read once or followed. Replayable: resumes at a byte offset.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "catchwater/component/registry.h"
#include "catchwater/component/source.h"
#include "catchwater/notify/notify_config.h"
#include "catchwater/notify/object_events.h"
#include "catchwater/source/file/file_finder.h"
#include "catchwater/source/file/partition_reader.h"

namespace catchwater {

struct FileTakeConfig {
  int64_t min_files = 1;
  Duration max_age = Duration::Minutes(10);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("min_files", min_files, "Files wait until so many are pending.",
                   Bounds{1, 1'000'000});
    field.Optional("max_age", max_age, "A file waits no longer than this.");
  }
};

struct FileSourceConfig {
  static constexpr std::string_view kShortFor = "path";

  ConfigNode path;  ///< A text or a list of texts.
  bool watch = false;
  bool follow = false;
  std::string pattern;
  FileTakeConfig take;
  std::optional<Duration> complete_after;
  Duration poll = Duration::Seconds(1);
  ByteSize block_bytes = ByteSize::MiB(1);
  std::optional<NotifyConfig> notify;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required(
        "path", path,
        "File, folder or pattern (`*`, `?`, `[a-z]`, `**` for any folders), or a list of "
        "them. Relative to the project folder.",
        Holds{"path"}, Example{"data/**/*.csv"});
    field.Optional("watch", watch, "Go on looking for new files instead of ending after the last.");
    field.Optional("follow", follow, "Go on reading files that grow; implies `watch`.");
    field.Optional("pattern", pattern,
                   "Names parts of the path for columns `from: path.<name>`; a file that does not "
                   "match it fails.",
                   Example{"\"{site}/{sensor_id}.csv\""});
    field.Optional("take", take, "When pending files are taken.");
    field.Optional("complete_after", complete_after,
                   "A file is taken when its size and time have not moved for so long. Default: 1s "
                   "with `watch`, else 0s.");
    field.Optional("poll", poll, "How often new files are looked for.",
                   Bounds{Duration::Millis(10), Duration::Days(1)});
    field.Optional("block_bytes", block_bytes, "Bytes that are read and handed on at a time.",
                   Bounds{ByteSize::KiB(4), ByteSize::MiB(256)});
    field.Optional("notify", notify,
                   "Who tells that an object was created in a store: then files are looked for at "
                   "once, besides every `poll`. Needs `watch` and `s3://` paths.");
  }
  arrow::Status Check() const;
  /// The texts of `path`.
  std::vector<std::string> Paths() const;
};

/// Partition: a file, name = its path as found. Position: offset in the uncompressed bytes. Bounded
/// files are read one after the other in the order of Open; followed files in turn. One thread at
/// a time.
class FileSource final : public Source {
 public:
  /// \retval kConfig for a bad pattern, or if there is no codec to frame the bytes
  static arrow::Result<std::unique_ptr<FileSource>> Make(const FileSourceConfig& config,
                                                         const SourceContext& context);

  /// \retval kNotFound if a path has no such folder or file and nothing is waited for; kDenied
  arrow::Status Check() override;
  arrow::Result<std::vector<Offer>> Discover() override;
  arrow::Result<std::string> FullHash(const Offer& offer) override;
  arrow::Status Open(const Offer& offer, int64_t partition_id, const Position& resume_at) override;
  arrow::Result<NextResult> Next(std::stop_token stop) override;
  arrow::Status Acknowledge(int64_t partition_id, const Position& position) override;
  arrow::Status Close() override;
  std::string nothing_found() const override;
  int64_t discover_interval_ms() const override;
  TakePolicy take_policy() const override;
  int64_t pending_count() const override { return finder_.pending_count(); }
  void SetIdentityAttributes(std::vector<std::string> names) override;

 private:
  FileSource(const FileSourceConfig& config, const SourceContext& context, PathPattern pattern,
             std::unique_ptr<Framer> framer);

  /// Of all paths, as one text. Empty: there are none.
  std::string MissingBeginnings() const;
  bool is_watching() const { return config_.watch || config_.follow; }
  /// Asks each followed file once. \return nothing if none has anything
  std::optional<NextResult> NextOfFollowed();
  std::optional<NextResult> NextOfBounded(const std::stop_token& stop);
  ObjectEventsOptions EventOptions() const;
  /// True if an event says to look for files, and the last look is long enough ago.
  bool IsToldToLook();

  const FileSourceConfig config_;
  Files& files_;
  const Clock& clock_;
  const std::string folder_;
  std::unique_ptr<Framer> framer_;
  ReaderShared shared_;
  FileFinder finder_;
  bool has_found_ = true;
  std::unique_ptr<ObjectEvents> events_;  // Null: nobody tells, or nothing was looked for yet.
  std::string not_told_;                  // Why who tells could not be reached, last time.
  bool is_told_ = false;
  int64_t look_again_us_ = 0;                              // Monotonic: many events are one look.
  std::deque<std::unique_ptr<PartitionReader>> bounded_;   // In the order of Open.
  std::deque<std::unique_ptr<PartitionReader>> followed_;  // The front one is asked next.
};

arrow::Status RegisterFileSource(Registry& registry);

}  // namespace catchwater
