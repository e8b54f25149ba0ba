/// \file
/// Avro values as text, and their logical types as what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catchwater/avro/avro.h"

namespace catchwater {

/// Microseconds since 1970 of a date or time. \return nothing if they do not fit
std::optional<int64_t> MicrosOfAvro(AvroLogical logical, int64_t value);
/// ISO 8601: a date, a local time without a zone, or a time with `Z`.
void AppendAvroTime(AvroLogical logical, int64_t us, std::string* text);
/// A two's complement of any length, big-endian: `-12.50`. \return nothing over 38 digits
std::optional<std::string> DecimalOfAvro(std::string_view bytes, int32_t scale);

/// Reads a value and appends it as JSON: records and maps are objects, decimals numbers, bytes
/// texts with `\u00XX` for what is no ASCII, NaN and infinities null.
void AppendAvroAsJson(const AvroNode& node, AvroDecoder& in, std::string* json);

}  // namespace catchwater
