#include "catchwater/lake/unsynced_files.h"

#include <cstdint>
#include <utility>

namespace catchwater {

arrow::Status UnsyncedFiles::Write(Files& files, const std::string& path, std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(auto file, files.CreateNew(path));
  ARROW_RETURN_NOT_OK(file->Write(bytes.data(), static_cast<int64_t>(bytes.size())));
  files_.push_back(std::move(file));
  return arrow::Status::OK();
}

arrow::Status UnsyncedFiles::SyncAll() {
  for (const auto& file : files_) {
    ARROW_RETURN_NOT_OK(file->Sync());
    ARROW_RETURN_NOT_OK(file->Close());
  }
  files_.clear();
  return arrow::Status::OK();
}

}  // namespace catchwater
