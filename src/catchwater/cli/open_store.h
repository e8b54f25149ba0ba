/// \file
/// The object store that a project's settings and the environment describe.
#pragma once

#include <memory>
#include <string>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/config/store_config.h"
#include "catchwater/io/files.h"
#include "catchwater/io/s3/s3_client.h"
#include "catchwater/sql/sql_database.h"

namespace catchwater {

/// Nothing is sent before the first path of the store is used. `local` and `clock` are borrowed.
std::shared_ptr<S3Client> OpenStore(const S3Config& config, Files& local, const Clock& clock);

/// The same for SQL. \retval kConfig if there are no credentials
arrow::Result<SqlS3Options> SqlOptionsOf(S3Client& client);

}  // namespace catchwater
