/// \file
/// What one stream app tells of itself since the program started: the same in `app status`, in the
/// answers on a control queue and in the table of `app_metrics`.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace catchwater {

/// A copy of the app's metrics.
struct AppReport {
  std::string app;
  int64_t rows_in = 0;
  int64_t results = 0;
  int64_t rows_with_result = 0;  ///< That led to a result, each once.
  int64_t input_bytes = 0;
  int64_t deserialization_errors = 0;
  int64_t conversion_errors = 0;
  int64_t out_of_order = 0;
  int64_t dropped_rows = 0;
  std::map<std::string, int64_t> dropped{};  ///< The same by reason.
  int64_t errors = 0;
  int64_t script_starts = 0;
  std::string script_state{};  ///< As SinkReport::state; empty: it is no script.
  std::string last_error{};    ///< Of a script; empty: it is well.
  double analysis_us_per_row = 0;
  double rows_per_second = 0;
  double rows_per_second_max = 0;
  double response_s = 0;  ///< The mean.
  double response_s_max = 0;
  double delay_s = 0;
  double delay_s_max = 0;
  double queue_delay_s = 0;
  double queue_delay_s_max = 0;
  std::string queue_delay_by{};  ///< enqueue_time | depth_over_rate; empty: nothing came yet.

  /// Calls field(name, value) for each number and for queue_delay_by, in the order in which they
  /// are told. The numbers are of int64_t and double.
  template <class Field>
  void ForEach(Field&& field) const {
    field("rows_in", rows_in);
    field("results", results);
    field("rows_with_result", rows_with_result);
    field("input_bytes", input_bytes);
    field("deserialization_errors", deserialization_errors);
    field("conversion_errors", conversion_errors);
    field("out_of_order", out_of_order);
    field("dropped_rows", dropped_rows);
    field("errors", errors);
    field("analysis_us_per_row", analysis_us_per_row);
    field("rows_per_second", rows_per_second);
    field("rows_per_second_max", rows_per_second_max);
    field("response_s", response_s);
    field("response_s_max", response_s_max);
    field("delay_s", delay_s);
    field("delay_s_max", delay_s_max);
    field("queue_delay_s", queue_delay_s);
    field("queue_delay_s_max", queue_delay_s_max);
    field("queue_delay_by", queue_delay_by);
  }
};

}  // namespace catchwater
