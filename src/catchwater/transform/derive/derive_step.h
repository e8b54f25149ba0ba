/// \file
/// `derive`: adds or replaces columns by SQL expressions.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/component/registry.h"

namespace catchwater {

struct DeriveConfig {
  std::vector<std::pair<std::string, std::string>> columns;  // Name and expression, in order.

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Rest("column", columns,
               "SQL expression over the columns of one row; it sees the columns above it.",
               Example{"{fahrenheit: temperature * 1.8 + 32}"});
  }
  arrow::Status Check() const;
  std::vector<std::string> ColumnsAdded() const;
};

arrow::Status RegisterDeriveStep(Registry& registry);

}  // namespace catchwater
