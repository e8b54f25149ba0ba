/// \file
/// Where a data folder was made: its ledger and its tables name files by their full paths.
#pragma once

#include <string>

#include <arrow/status.h>

#include "catchwater/base/clock.h"
#include "catchwater/io/files.h"

namespace catchwater {

/// Keeps the path in `<folder>/home` the first time. Later a folder that is reached under another
/// name, e.g. through a symbolic link, is the same one. A ledger that is older than the record is
/// at home if its tables on disk lie in the folder or in `warehouse`. \pre the folder exists, its
/// path is absolute \retval kConfig it is a copy, or was moved: a program here would read and write
/// where it was made
arrow::Status CheckDataHome(Files& files, const Clock& clock, const std::string& folder,
                            const std::string& warehouse);

}  // namespace catchwater
