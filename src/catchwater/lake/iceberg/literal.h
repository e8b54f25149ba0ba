/// \file
/// One value of an Iceberg primitive type: partition values and bounds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <arrow/result.h>
#include <arrow/util/decimal.h>

#include "catchwater/lake/iceberg/type.h"

namespace catchwater {

/// monostate: null. int32_t: int, date. int64_t: long, time, timestamp. std::string: string
/// (UTF-8), binary, fixed, uuid.
using Literal = std::variant<std::monostate, bool, int32_t, int64_t, float, double, std::string,
                             arrow::Decimal128>;
using PartitionValues = std::vector<Literal>;

inline bool IsNull(const Literal& value) { return value.index() == 0; }

/// Serialises as bounds are stored: little endian; decimals minimal big-endian two's complement.
/// Source: Iceberg spec, appendix D, binary single-value serialisation. \pre not null
std::string LiteralToBytes(const Literal& value);

/// Reads a bound. A bound written before a promotion (4 bytes for a long, a float for a double) is
/// widened. \retval kBadData if the length does not fit the type
arrow::Result<Literal> LiteralFromBytes(const IcebergType& type, std::string_view bytes);

/// Less than in the order of the type; both of the same alternative and not null.
bool LiteralLess(const Literal& a, const Literal& b);

/// The shortest prefix bound: at most 16 code points. Lower: the prefix. Upper: the prefix with its
/// last code point increased. \return an empty optional value (null) if there is no upper bound
std::string TruncateLowerBound(std::string_view utf8);
Literal TruncateUpperBound(std::string_view utf8);

/// Minimal big-endian two's complement, at least one byte.
std::string DecimalToBytes(const arrow::Decimal128& value);

/// For people and directory names: `2026-01-02` for a date, digits for numbers, `null`.
std::string LiteralToText(const IcebergType& type, const Literal& value);

}  // namespace catchwater
