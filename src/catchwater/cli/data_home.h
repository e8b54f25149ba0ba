/// \file
/// Where a data folder was made: its ledger and its tables name files by their full paths.
#pragma once

#include <string>

#include <arrow/status.h>

#include "catchwater/io/files.h"

namespace catchwater {

/// Keeps the path in `<folder>/home` the first time. Later a folder that is reached under another
/// name, e.g. through a symbolic link, is the same one. \pre the folder exists, its path is
/// absolute \retval kConfig it is a copy, or was moved: a program here would read and write where
/// it was made
arrow::Status CheckDataHome(Files& files, const std::string& folder);

}  // namespace catchwater
