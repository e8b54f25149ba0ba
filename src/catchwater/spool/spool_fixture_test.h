/// \file
/// What the tests of the spool share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/spool/spool.h"
#include "catchwater/spool/spool_reader.h"

namespace catchwater {

inline arrow::Result<std::unique_ptr<Spool>> TryOpenSpool(Files& files, SpoolOptions options = {}) {
  if (options.folder.empty()) options.folder = "data/spool/p/s";
  options.is_locked = false;  // Memory has no locks.
  return Spool::Open(files, std::move(options), Random(7));
}

inline std::unique_ptr<Spool> OpenSpool(Files& files, SpoolOptions options = {}) {
  auto spool = TryOpenSpool(files, std::move(options));
  EXPECT_TRUE(spool.ok()) << spool.status();
  return spool.ok() ? *std::move(spool) : nullptr;
}

/// All payloads from the ordinal on.
inline arrow::Result<std::vector<std::string>> ReadPayloads(Files& files, const Spool& spool,
                                                            uint64_t ordinal = 0) {
  SpoolReader reader(files, spool, ordinal);
  std::vector<std::string> payloads;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto records, reader.Read(/*byte_count_max=*/100));
    if (records.empty()) return payloads;
    for (const auto& record : records) payloads.emplace_back(record.payload);
  }
}

/// Appends and syncs each by itself. \return the ordinal behind it
inline uint64_t Put(Spool& spool, const std::string& payload) {
  EXPECT_TRUE(spool.Append(payload).ok());
  EXPECT_TRUE(spool.Sync().ok());
  return spool.durable_ordinal();
}

inline std::vector<std::string> SegmentPaths(Files& files, const std::string& folder) {
  std::vector<std::string> paths;
  for (const FileEntry& entry : files.List(folder).ValueOrDie()) {
    if (entry.path.ends_with(".seg")) paths.push_back(entry.path);
  }
  return paths;
}

}  // namespace catchwater
