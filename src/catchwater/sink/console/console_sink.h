/// \file
/// Sink `console`: prints rows as a table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catchwater/component/delivery_options.h"
#include "catchwater/component/registry.h"

namespace catchwater {

struct ConsoleSinkConfig {
  std::vector<std::string> columns;
  int64_t rows_max = 40;
  DeliveryOptions delivery;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("columns", columns, "Columns to print, in order. Default: all.");
    field.Optional("rows_max", rows_max, "Most rows that are shown.", Bounds{1, 1'000'000});
    delivery.Describe(field);
  }
};

arrow::Status RegisterConsoleSink(Registry& registry);

}  // namespace catchwater
