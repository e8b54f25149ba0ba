/// \file
/// The Avro schemas of what we write. The encoders in manifest.cc follow their field order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catchwater/lake/iceberg/spec.h"
#include "catchwater/lake/iceberg/type.h"

namespace catchwater {

/// The schema of a manifest whose partition fields have these types.
std::string ManifestAvroSchema(const PartitionSpec& spec, const std::vector<IcebergType>& types);

std::string_view ManifestListAvroSchema();

/// Bytes of the Avro `fixed` that holds a decimal of so many digits.
int DecimalFixedBytes(int32_t precision);

/// A name that Avro allows: other characters become `_x` and their code, as Iceberg's Java does.
std::string AvroName(std::string_view name);

}  // namespace catchwater
