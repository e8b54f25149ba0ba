/// \file
/// The error codes of things that go wrong while running, E2xxx: what `catchwater doc E2001` prints
/// and what stands in brackets in front of a message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <arrow/status.h>

#include "catchwater/config/error_codes.h"

namespace catchwater {

std::vector<ErrorCode> RunErrorCodes();

/// The codes of configuration and of running.
ErrorCodeTable AllErrorCodes();

/// The code of a failed status, or an empty text if it has none.
std::string_view RunErrorCodeOf(const arrow::Status& status);

}  // namespace catchwater
