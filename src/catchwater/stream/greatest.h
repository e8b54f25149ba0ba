/// \file
/// `window: {greatest: column}`: of the results of a window those with the greatest value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace catchwater {

/// The place of the column among the values of results.
/// \retval kConfig if there is none of this name, or its values have no order
arrow::Result<size_t> FindGreatest(const std::string& column, const arrow::FieldVector& values);

/// Of one window. Nulls and NaN are never the greatest. One thread at a time.
class Greatest {
 public:
  /// \param keys of each value
  void Offer(const arrow::Array& values, std::span<const uint32_t> keys);
  /// Those with the greatest value so far, in the order in which they were offered.
  std::span<const uint32_t> keys() const { return keys_; }

 private:
  template <typename ArrowType, typename Value>
  void OfferValues(const arrow::Array& values, std::span<const uint32_t> keys,
                   std::optional<Value>* greatest);

  std::optional<int64_t> greatest_number_;
  std::optional<double> greatest_real_;
  std::vector<uint32_t> keys_;
};

}  // namespace catchwater
