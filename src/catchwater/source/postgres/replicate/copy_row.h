/// \file
/// A row as `COPY ... TO STDOUT` writes it. Source: PostgreSQL 15 documentation, COPY, text format.
#pragma once

#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/source/postgres/replicate/pgoutput.h"

namespace catchwater {

/// Values in the order of the columns, in `scratch` or in `line`. The line's end may be there.
/// \retval kBadData for an escape that is none
arrow::Result<PgTuple> ParseCopyRow(std::string_view line, std::string* scratch);

}  // namespace catchwater
