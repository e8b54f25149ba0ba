#include "catchwater/lake/manifest_cache.h"

#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/lake/catalog.h"

namespace catchwater {
namespace {

constexpr int64_t kFileBytesMax = 256LL << 20;

}  // namespace

template <typename Value>
Value ManifestCache::Lru<Value>::Find(const std::string& key) {
  const auto found = by_key.find(key);
  if (found == by_key.end()) return nullptr;
  items.splice(items.begin(), items, found->second);
  return found->second->value;
}

template <typename Value>
void ManifestCache::Lru<Value>::Put(const std::string& key, Value value, int64_t item_weight,
                                    int64_t weight_max) {
  if (item_weight > weight_max / 4 || by_key.contains(key)) return;
  items.push_front({key, std::move(value), item_weight});
  by_key[key] = items.begin();
  weight += item_weight;
  while (weight > weight_max) {
    weight -= items.back().weight;
    by_key.erase(items.back().key);
    items.pop_back();
  }
}

arrow::Result<ManifestList> ManifestCache::List(const std::string& uri) {
  {
    const std::lock_guard lock(mutex_);
    if (ManifestList found = lists_.Find(uri)) return found;
  }
  ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(uri));
  ARROW_ASSIGN_OR_RAISE(const std::string bytes, files_.ReadAll(path, kFileBytesMax));
  auto rows = DecodeManifestList(bytes);
  if (!rows.ok()) return WithContext(rows.status(), "Manifest list " + uri);
  auto list = std::make_shared<const std::vector<ManifestFile>>(std::move(*rows));
  PutList(uri, list);
  return list;
}

arrow::Result<ManifestEntries> ManifestCache::Entries(const ManifestFile& row,
                                                      const IcebergSchema& schema,
                                                      const PartitionSpec& spec) {
  {
    const std::lock_guard lock(mutex_);
    if (ManifestEntries found = entries_.Find(row.path)) return found;
  }
  ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(row.path));
  ARROW_ASSIGN_OR_RAISE(const std::string bytes, files_.ReadAll(path, kFileBytesMax));
  auto decoded = DecodeManifest(bytes, row, schema, spec);
  if (!decoded.ok()) return WithContext(decoded.status(), "Manifest " + row.path);
  auto entries = std::make_shared<const std::vector<ManifestEntry>>(std::move(*decoded));
  PutEntries(row.path, entries);
  return entries;
}

void ManifestCache::PutList(const std::string& uri, ManifestList rows) {
  const auto weight = static_cast<int64_t>(rows->size()) + 1;
  const std::lock_guard lock(mutex_);
  lists_.Put(uri, std::move(rows), weight, kListRowsMax);
}

void ManifestCache::PutEntries(const std::string& uri, ManifestEntries entries) {
  const auto weight = static_cast<int64_t>(entries->size()) + 1;
  const std::lock_guard lock(mutex_);
  entries_.Put(uri, std::move(entries), weight, kEntriesMax);
}

}  // namespace catchwater
