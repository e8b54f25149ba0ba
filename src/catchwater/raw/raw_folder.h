/// \file
/// The folder that keeps bytes as they were received: files become visible with their commit,
/// are found again after a crash, and go when they are old.
///
///   <folder>/.pending/<name>                       written, not committed or not moved yet
///   <folder>/date=2026-01-05/hour=08/<name>        committed
///
/// Invariants:
/// 1. A file in an hour's folder is of a committed flush.
/// 2. After Recover every file of a committed flush is in its hour's folder, and of this lease
///    nothing else is pending.
/// Source: docs/formats/raw.md.
#pragma once

#include <cstdint>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/io/files.h"
#include "catchwater/raw/raw_writer.h"

namespace catchwater {

std::string PendingPath(std::string_view folder, std::string_view name);

/// One thread at a time; several objects may be used on one folder.
class RawFolder {
 public:
  RawFolder(std::string folder, Files& files) : folder_(std::move(folder)), files_(files) {}

  /// Creates the folder; before the first RawWriter.
  arrow::Status Prepare();

  /// Syncs and closes what the writer handed out: before the commit.
  arrow::Status MakeDurable(std::vector<RawSegment>* segments);
  /// Moves the files to their hours: after the commit. One that was moved already is OK.
  arrow::Status Publish(const std::vector<std::string>& names);
  /// Removes files of a flush that was refused; best effort.
  void Remove(const std::vector<RawSegment>& segments);

  /// Who may still have files pending, and which of them are committed.
  struct Owner {
    std::string lease;
    int64_t epoch = 0;  ///< Files of later epochs are another's and left alone.
  };
  /// Publishes the committed ones among the owner's pending files and removes the others.
  /// committed: the names that the last commit of the lease recorded.
  arrow::Status Recover(const Owner& owner, const std::set<std::string>& committed);
  /// For pipelines without a lease: removes its pending files that were begun before.
  arrow::Status RemovePendingBefore(const std::string& lease, int64_t first_us_below);

  /// Removes our files in hours that ended before, and the folders that are empty then. Files with
  /// other names stay. \return how many
  arrow::Result<int64_t> RemoveExpired(int64_t ended_us_below, std::stop_token stop);

 private:
  arrow::Status MakeHourFolder(const std::string& hour_folder);
  arrow::Status RemoveIfEmpty(const std::string& path);
  arrow::Result<int64_t> RemoveHour(const std::string& path);

  const std::string folder_;
  Files& files_;
  std::set<std::string> made_;  // Hour folders that exist durably; of the last commits only.
};

}  // namespace catchwater
