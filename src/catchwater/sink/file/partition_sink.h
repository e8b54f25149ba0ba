/// \file
/// Sink `file` in `sinks:`: rows of a table as files of a folder, divided by their time into
/// `date=2026-01-02/hour=03/`. Exactly once: names come from the delivered mark.
#pragma once

#include <memory>

#include <arrow/result.h>

#include "catchwater/sink/file/file_sink.h"

namespace catchwater {

/// \pre config.path ends with `/`
arrow::Result<std::unique_ptr<Sink>> MakePartitionSink(const FileSinkConfig& config,
                                                       const SinkContext& context);

}  // namespace catchwater
