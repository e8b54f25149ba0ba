// Any bytes as a manifest and as a manifest list: an error or entries, never a crash. What decodes
// as ours is encoded and decoded again, and must then stay the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/lake/iceberg/manifest.h"

namespace catchwater {
namespace {

IcebergSchema Schema() {
  return {
      .schema_id = 0,
      .fields = {{.id = 1, .name = "id", .is_required = true, .type = {.kind = TypeKind::kLong}},
                 {.id = 2, .name = "ts", .type = {.kind = TypeKind::kTimestampTz}},
                 {.id = 3, .name = "name", .type = {.kind = TypeKind::kString}}}};
}

PartitionSpec Spec() {
  return {.spec_id = 0,
          .fields = {{.source_id = 2,
                      .field_id = 1000,
                      .name = "ts_day",
                      .transform = {.kind = TransformKind::kDay}},
                     {.source_id = 3, .field_id = 1001, .name = "name"}}};
}

bool HasTypesOfSpec(const std::vector<ManifestEntry>& entries) {
  for (const ManifestEntry& entry : entries) {
    const PartitionValues& values = entry.file.partition;
    const bool is_good = (IsNull(values[0]) || std::holds_alternative<int32_t>(values[0])) &&
                         (IsNull(values[1]) || std::holds_alternative<std::string>(values[1]));
    if (!is_good) return false;
  }
  return true;
}

void TryManifest(std::string_view bytes) {
  const ManifestFile row{.path = "m", .sequence_number = 7, .added_snapshot_id = 9};
  const auto entries = DecodeManifest(bytes, row, Schema(), Spec());
  if (!entries.ok() || !HasTypesOfSpec(*entries)) return;
  const auto encoded = EncodeManifest(*entries, Schema(), Spec(), 9, 7);
  CATCHWATER_CHECK(encoded.ok(), "what was decoded can be encoded");
  const auto again = DecodeManifest(encoded->bytes, row, Schema(), Spec());
  CATCHWATER_CHECK(again.ok() && again->size() == entries->size(), "what was encoded reads back");
  for (size_t i = 0; i < entries->size(); ++i) {
    const ManifestDataFile& a = (*entries)[i].file;
    const ManifestDataFile& b = (*again)[i].file;
    CATCHWATER_CHECK(a.path == b.path && a.partition == b.partition &&
                         a.record_count == b.record_count && a.lower_bounds == b.lower_bounds &&
                         a.split_offsets == b.split_offsets,
                     "what was encoded reads back the same");
  }
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  catchwater::TryManifest(bytes);
  static_cast<void>(catchwater::DecodeManifestList(bytes));
  return 0;
}
