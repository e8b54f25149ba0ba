/// \file
/// Who holds a lease, so that people can find the process.
#pragma once

#include <string>

namespace catchwater {

/// `host/process id/random part`: new on each call.
std::string LeaseOwner();

}  // namespace catchwater
