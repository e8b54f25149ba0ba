/// \file
/// `select`: keeps the rows for which a SQL condition is true.
#pragma once

#include <string>
#include <string_view>

#include <arrow/status.h>

#include "catchwater/component/registry.h"

namespace catchwater {

struct SelectConfig {
  static constexpr std::string_view kShortFor = "condition";
  std::string condition;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("condition", condition,
                   "SQL condition over the columns of one row; rows for which it is false or null "
                   "are left out and counted.",
                   Example{"temperature IS NOT NULL AND temperature < 80"});
  }
};

arrow::Status RegisterSelectStep(Registry& registry);

}  // namespace catchwater
