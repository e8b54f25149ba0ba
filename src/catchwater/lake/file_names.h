/// \file
/// Names of what the lake writes. Each carries its writer's lease and epoch, so that clean-up can
/// tell what may still be committed from what is dead. Source: docs/formats/lake.md, names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catchwater/lake/iceberg/literal.h"
#include "catchwater/lake/iceberg/spec.h"

namespace catchwater {

/// Who wrote a file.
struct WriterTag {
  uint32_t lease_hash = 0;  ///< Murmur3 of the lease's name; 0 without a lease.
  int64_t epoch = 0;

  bool operator==(const WriterTag&) const = default;
};
WriterTag MakeWriterTag(std::string_view lease, int64_t epoch);

/// `<8 hex lease hash>-<epoch>-<uuid>-<number>.parquet`
std::string DataFileName(const WriterTag& tag, std::string_view uuid, int64_t number);
/// `<8 hex lease hash>-<epoch>-<uuid>-m<number>.avro`
std::string ManifestName(const WriterTag& tag, std::string_view uuid, int64_t number);
/// `snap-<snapshot id>-<8 hex lease hash>-<epoch>-<uuid>.avro`
std::string ManifestListName(const WriterTag& tag, int64_t snapshot_id, std::string_view uuid);
/// `NNNNN-<uuid>.metadata.json`, the uuid (version 8) holding hash and epoch around 40 random bits.
std::string MetadataName(const WriterTag& tag, int64_t version, uint64_t random);
/// The number before the first `-` of a metadata file's name; 0 for a name of another shape.
int64_t MetadataVersion(std::string_view location);

/// The tag in one of the names above. nullopt: another program wrote the file.
std::optional<WriterTag> ReadWriterTag(std::string_view file_name);

/// `ts_day=2026-01-02/id_bucket=3`; empty if not partitioned. Equal for equal partitions only.
std::string PartitionKeyText(const PartitionSpec& spec, const std::vector<IcebergType>& types,
                             const PartitionValues& values);
/// The same as a relative folder: other characters than letters, digits and `_.=-` are replaced,
/// long or changed parts end in a hash.
std::string PartitionFolder(std::string_view partition_key);

}  // namespace catchwater
