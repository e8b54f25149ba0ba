#include "catchwater/config/detect_config.h"

#include <cstdio>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

/// Writes the fields of a described struct, one after the other.
class TextVisitor {
 public:
  template <class T, class... Constraints>
  void Required(std::string_view name, T& member, std::string_view, const Constraints&...) {
    text_ += " " + std::string(name) + "=";
    Put(member);
  }
  template <class T, class... Constraints>
  void Optional(std::string_view name, T& member, std::string_view help,
                const Constraints&... constraints) {
    Required(name, member, help, constraints...);
  }
  std::string Take() { return std::move(text_); }

  template <class T>
  void Put(T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      text_ += value;
    } else if constexpr (std::is_same_v<T, Duration>) {
      text_ += std::to_string(value.ms) + "ms";
    } else if constexpr (std::is_enum_v<T>) {
      text_ += std::to_string(static_cast<int>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      char digits[40];
      std::snprintf(digits, sizeof(digits), "%.17g", value);
      text_ += digits;
    } else if constexpr (std::is_arithmetic_v<T>) {
      text_ += std::to_string(value);
    } else if constexpr (Described<T>) {
      text_ += "{";
      value.Describe(*this);
      text_ += "}";
    } else if constexpr (MapMember<T>) {
      for (auto& [key, item] : value) {
        text_ += key + ":";
        Put(item);
      }
    } else if constexpr (ListMember<T>) {
      for (auto& item : value) {
        Put(item);
        text_ += ",";
      }
    } else if (value) {
      Put(*value);
    }
  }

 private:
  std::string text_;
};

}  // namespace

std::string DetectText(std::vector<DetectorConfig> detect) {
  TextVisitor visitor;
  visitor.Put(detect);
  return visitor.Take();
}

std::vector<std::string> ColumnsOf(const DetectorConfig& config) {
  if (config.spike) return {config.spike->value};
  if (config.change_point) return {config.change_point->value};
  if (config.anomaly) return {config.anomaly->value};
  if (config.active_alarm) return {config.active_alarm->active};
  if (config.failure_rate) return {config.failure_rate->active};
  if (!config.trend_to_threshold) return {};
  std::vector<std::string> columns{config.trend_to_threshold->value};
  const std::string& threshold = config.trend_to_threshold->threshold;
  if (!threshold.empty()) columns.push_back(threshold);
  return columns;
}

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
