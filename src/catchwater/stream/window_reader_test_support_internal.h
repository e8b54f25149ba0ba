/// \file
/// For the tests of windows: a reader of results that takes retractions seriously.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "catchwater/stream/window_test_support_internal.h"

namespace catchwater::window_test {

/// Of one key and window.
struct Values {
  int64_t rows = 0;
  int64_t count = 0;
  double sum = 0;
  std::optional<double> min;
  std::optional<double> max;

  void Add(const SensorReading& reading) {
    ++rows;
    if (!reading.value) return;
    ++count;
    sum += *reading.value;
    min = min ? std::min(*min, *reading.value) : *reading.value;
    max = max ? std::max(*max, *reading.value) : *reading.value;
  }
};
using Windows = std::map<std::pair<std::string, int64_t>, Values>;

inline std::optional<double> NumberAt(const arrow::Array& column, int64_t row) {
  if (column.IsNull(row)) return std::nullopt;
  if (column.type_id() == arrow::Type::INT64) {
    return static_cast<double>(static_cast<const arrow::Int64Array&>(column).Value(row));
  }
  return static_cast<const arrow::DoubleArray&>(column).Value(row);
}

/// Takes results as a reader does: a retraction takes away what was said before, and must say it.
class Reader {
 public:
  /// may_begin_at_any_revision: a result takes over the number of another one that it swallowed.
  explicit Reader(bool may_begin_at_any_revision = false)
      : may_begin_anywhere_(may_begin_at_any_revision) {}

  void Take(const arrow::RecordBatchVector& batches) {
    for (const auto& rows : batches) {
      ASSERT_TRUE(rows->ValidateFull().ok());
      for (int64_t row = 0; row < rows->num_rows(); ++row) TakeRow(*rows, row);
    }
  }
  const Windows& windows() const { return windows_; }
  int64_t retraction_count() const { return retraction_count_; }

 private:
  void TakeRow(const arrow::RecordBatch& rows, int64_t row) {
    const auto column = [&](const char* name) { return rows.GetColumnByName(name); };
    const auto begin = std::static_pointer_cast<arrow::TimestampArray>(column("window_start"));
    const auto retracted = std::static_pointer_cast<arrow::BooleanArray>(column("retracted"));
    const auto revision = std::static_pointer_cast<arrow::Int64Array>(column("revision"));
    const auto sensor = std::static_pointer_cast<arrow::StringArray>(column("sensor"));
    const std::pair key(sensor->GetString(row), begin->Value(row));
    const Values values{.rows = static_cast<int64_t>(*NumberAt(*column("n"), row)),
                        .count = static_cast<int64_t>(*NumberAt(*column("count(value)"), row)),
                        .sum = NumberAt(*column("sum(value)"), row).value_or(0),
                        .min = NumberAt(*column("min(value)"), row),
                        .max = NumberAt(*column("max(value)"), row)};
    if (values.count > 0) {
      EXPECT_NEAR(*NumberAt(*column("mean(value)"), row),
                  values.sum / static_cast<double>(values.count), 1e-9);
    }
    if (retracted->Value(row)) {
      ++retraction_count_;
      ASSERT_TRUE(windows_.contains(key));
      EXPECT_EQ(revisions_[key], revision->Value(row));
      EXPECT_EQ(windows_[key].rows, values.rows);
      EXPECT_EQ(windows_[key].sum, values.sum);
      windows_.erase(key);
      return;
    }
    EXPECT_FALSE(windows_.contains(key)) << "twice: " << key.first << " " << key.second;
    if (may_begin_anywhere_) {
      EXPECT_GT(revision->Value(row), revisions_[key]);
    } else {
      EXPECT_EQ(revision->Value(row), revisions_[key] + 1);
    }
    revisions_[key] = revision->Value(row);
    windows_[key] = values;
  }

  const bool may_begin_anywhere_;
  Windows windows_;
  std::map<std::pair<std::string, int64_t>, int64_t> revisions_;
  int64_t retraction_count_ = 0;
};

inline void ExpectEqual(const Windows& got, const Windows& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& [key, values] : expected) {
    const auto found = got.find(key);
    ASSERT_TRUE(found != got.end()) << key.first << " " << key.second;
    EXPECT_EQ(found->second.rows, values.rows) << key.first << " " << key.second;
    EXPECT_EQ(found->second.count, values.count);
    EXPECT_EQ(found->second.min, values.min);
    EXPECT_EQ(found->second.max, values.max);
    EXPECT_NEAR(found->second.sum, values.sum, std::abs(values.sum) * 1e-9 + 1e-12);
  }
}

}  // namespace catchwater::window_test
