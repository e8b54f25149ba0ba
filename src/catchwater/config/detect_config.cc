#include "catchwater/config/detect_config.h"

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Status ThresholdTrendConfig::Check() const {
  if (threshold.empty() == !threshold_value) {
    return ConfigError("either `threshold` (a column) or `threshold_value` (a number) is needed");
  }
  return arrow::Status::OK();
}

arrow::Status DetectorConfig::Check() const {
  int count = 0;
  for (const bool is_there :
       {spike.has_value(), frequency.has_value(), change_point.has_value(), anomaly.has_value(),
        active_alarm.has_value(), trend_to_threshold.has_value(), failure_rate.has_value(),
        missing.has_value()}) {
    count += is_there ? 1 : 0;
  }
  if (count == 1) return arrow::Status::OK();
  return ConfigError("each entry of `detect` is one detector, such as `- spike: {}`");
}

}  // namespace catchwater
