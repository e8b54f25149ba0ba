/// \file
/// Small files of one commit, written one by one and synced together: the first sync writes the
/// file system's journal for all of them, so that the others are cheap.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/status.h>

#include "catchwater/io/files.h"

namespace catchwater {

/// One thread at a time. Files that were not synced are closed when it goes.
class UnsyncedFiles {
 public:
  /// Creates a file that must not exist.
  arrow::Status Write(Files& files, const std::string& path, std::string_view bytes);
  /// Makes all bytes durable; the folders are not synced.
  arrow::Status SyncAll();

 private:
  std::vector<std::shared_ptr<WritableFile>> files_;
};

}  // namespace catchwater
