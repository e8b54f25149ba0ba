#include "catchwater/spool/spool_reader.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Status SpoolReader::Fill(const Spool::Place& place, uint64_t byte_count) {
  if (path_ != place.path) {
    ARROW_ASSIGN_OR_RAISE(file_, files_.OpenInput(place.path));
    path_ = place.path;
  }
  const auto offset = static_cast<int64_t>(ordinal_ - place.base_ordinal) + kSegmentHeaderBytes;
  bytes_.resize(byte_count);
  ARROW_ASSIGN_OR_RAISE(const int64_t got,
                        file_->ReadAt(offset, static_cast<int64_t>(byte_count), bytes_.data()));
  bytes_.resize(static_cast<size_t>(got));
  return arrow::Status::OK();
}

arrow::Result<std::vector<SpoolReader::Record>> SpoolReader::Read(int64_t byte_count_max) {
  std::vector<Record> records;
  ARROW_ASSIGN_OR_RAISE(const auto place, spool_.Locate(ordinal_));
  if (!place) return records;
  const uint64_t there = place->end_ordinal - ordinal_;
  uint64_t wanted = std::min(there, static_cast<uint64_t>(byte_count_max));
  while (records.empty()) {
    ARROW_RETURN_NOT_OK(Fill(*place, wanted));
    std::string_view rest(bytes_);
    uint64_t ordinal = ordinal_;
    while (const auto record = ReadSpoolRecord(rest, ordinal)) {
      if (record->kind == SpoolRecordKind::kSeal) break;  // Never before a durable record.
      records.push_back(
          {.ordinal = ordinal, .end_ordinal = record->end_ordinal(), .payload = record->payload});
      rest.remove_prefix(record->end_ordinal() - ordinal);
      ordinal = record->end_ordinal();
    }
    if (records.empty() && wanted == there) {
      const uint64_t offset =
          ordinal_ - place->base_ordinal + static_cast<uint64_t>(kSegmentHeaderBytes);
      return BadData("Spool is damaged, file and offset: ", place->path, " ", offset,
                     ". Bring the file back from a copy; or, to give up what was received and is "
                     "not in a table yet, move the folder away");
    }
    // A record that is longer than asked for.
    wanted = std::min(there, wanted * 4);
  }
  ordinal_ = records.back().end_ordinal;
  return records;
}

}  // namespace catchwater
