/// \file
/// Notes in the header of a manifest list: keys that readers pass over.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "catchwater/lake/iceberg/manifest.h"

namespace catchwater {

/// As EncodeManifestList, with further keys in the file's header.
std::string EncodeManifestListWithNotes(const std::vector<ManifestFile>& manifests,
                                        int64_t snapshot_id,
                                        std::optional<int64_t> parent_snapshot_id,
                                        int64_t sequence_number,
                                        const std::map<std::string, std::string>& notes);

}  // namespace catchwater
