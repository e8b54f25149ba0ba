/// \file
/// Manifest lists and small manifests that were read or written lately. They are immutable, so a
/// cached one is always right; a commit a second then reads nothing from disk.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <arrow/result.h>

#include "catchwater/io/files.h"
#include "catchwater/lake/iceberg/manifest.h"

namespace catchwater {

using ManifestList = std::shared_ptr<const std::vector<ManifestFile>>;
using ManifestEntries = std::shared_ptr<const std::vector<ManifestEntry>>;

/// Any thread.
class ManifestCache {
 public:
  explicit ManifestCache(Files& files) : files_(files) {}

  /// The rows of a manifest list by its URI. \retval kNotFound, kBadData
  arrow::Result<ManifestList> List(const std::string& uri);
  /// The entries of a manifest, with inherited numbers filled in.
  arrow::Result<ManifestEntries> Entries(const ManifestFile& row, const IcebergSchema& schema,
                                         const PartitionSpec& spec);

  /// Remembers what was just written.
  void PutList(const std::string& uri, ManifestList rows);
  void PutEntries(const std::string& uri, ManifestEntries entries);

 private:
  /// The least recently used values beyond `weight_max` are forgotten.
  template <typename Value>
  struct Lru {
    struct Item {
      std::string key;
      Value value;
      int64_t weight = 0;
    };
    std::list<Item> items;  // Most recently used first.
    std::unordered_map<std::string, typename std::list<Item>::iterator> by_key;
    int64_t weight = 0;

    Value Find(const std::string& key);
    void Put(const std::string& key, Value value, int64_t item_weight, int64_t weight_max);
  };

  static constexpr int64_t kListRowsMax = 8'000;  // Some 400 lists of up to 16 manifests.
  static constexpr int64_t kEntriesMax = 4'096;   // About 4 MB with bounds of ten columns.

  Files& files_;
  std::mutex mutex_;  // Guards what follows.
  Lru<ManifestList> lists_;
  Lru<ManifestEntries> entries_;
};

}  // namespace catchwater
