/// \file
/// Rows -> BSON documents. Source: bsonspec.org, version 1.1.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

struct _bson_t;

namespace catchwater {

struct DestroyBson {
  void operator()(_bson_t* document) const;
};
using BsonPointer = std::unique_ptr<_bson_t, DestroyBson>;

/// Immutable; any thread.
class BsonWriter {
 public:
  /// key: columns of the schema. \retval kConfig for a type that BSON does not have
  static arrow::Result<BsonWriter> Make(const std::shared_ptr<arrow::Schema>& schema,
                                        const std::vector<std::string>& key);

  /// `{_id: ...}`: the value of a single key column, else a document of the columns in the key's
  /// order. A time with parts of a millisecond, which BSON's dates do not have, is its number of
  /// microseconds in it.
  BsonPointer Selector(const arrow::RecordBatch& rows, int64_t row) const;
  /// `_id`, then the columns; nulls are left out.
  BsonPointer Document(const arrow::RecordBatch& rows, int64_t row) const;

 private:
  void AppendId(const arrow::RecordBatch& rows, int64_t row, _bson_t* document) const;

  std::vector<int> key_;
  std::vector<std::string> names_;
};

}  // namespace catchwater
