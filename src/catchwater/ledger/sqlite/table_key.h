/// \file
/// The name of a table in the ledger, `namespace.name`, and its parts in the catalog's rows.
#pragma once

#include <string>
#include <string_view>

#include "catchwater/base/error.h"

namespace catchwater {

struct TableKey {
  std::string_view table_namespace;  ///< May hold dots itself.
  std::string_view table_name;
};

/// Splits at the last dot; the parts point into the key.
inline TableKey SplitTableKey(std::string_view table_key) {
  const size_t dot = table_key.rfind('.');
  CATCHWATER_CHECK(dot != std::string_view::npos && dot > 0 && dot + 1 < table_key.size(),
                   "a table's key is namespace.name");
  return {.table_namespace = table_key.substr(0, dot), .table_name = table_key.substr(dot + 1)};
}

}  // namespace catchwater
