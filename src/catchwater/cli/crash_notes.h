/// \file
/// Notes of processes that crashed, in the data folder: this process's own, and old ones.
#pragma once

#include <string>

#include <arrow/status.h>

#include "catchwater/io/files.h"
#include "catchwater/ledger/ledger.h"

namespace catchwater {

/// Removes the notes of processes that hold no lease any more: nobody asks for them. From now on
/// this process leaves one if it crashes. Once in a process.
arrow::Status StartCrashNotes(Ledger& ledger, Files& files, const std::string& data_folder,
                              const std::string& owner);

}  // namespace catchwater
