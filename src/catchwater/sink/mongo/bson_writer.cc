#include "catchwater/sink/mongo/bson_writer.h"

#include <string_view>

#include <arrow/array.h>
#include <arrow/type.h>
#include <bson/bson.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kDayMs = 86'400'000;

int64_t FloorToMs(int64_t us) { return us / 1'000 - (us % 1'000 < 0 ? 1 : 0); }

template <class ArrayType>
const ArrayType& As(const arrow::Array& array) {
  return static_cast<const ArrayType&>(array);
}

bool IsSupported(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::BOOL:
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::STRING:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DECIMAL128:
      return true;
    default:
      return false;
  }
}

void AppendValue(const arrow::Array& array, int64_t row, bool is_id, const std::string& name,
                 bson_t* document) {
  const char* key = name.data();
  const int length = static_cast<int>(name.size());
  if (array.IsNull(row)) {
    if (is_id) bson_append_null(document, key, length);
    return;
  }
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      bson_append_bool(document, key, length, As<arrow::BooleanArray>(array).Value(row));
      break;
    case arrow::Type::INT32:
      bson_append_int32(document, key, length, As<arrow::Int32Array>(array).Value(row));
      break;
    case arrow::Type::INT64:
      bson_append_int64(document, key, length, As<arrow::Int64Array>(array).Value(row));
      break;
    case arrow::Type::FLOAT:
      bson_append_double(document, key, length,
                         static_cast<double>(As<arrow::FloatArray>(array).Value(row)));
      break;
    case arrow::Type::DOUBLE:
      bson_append_double(document, key, length, As<arrow::DoubleArray>(array).Value(row));
      break;
    case arrow::Type::STRING: {
      const std::string_view text = As<arrow::StringArray>(array).GetView(row);
      bson_append_utf8(document, key, length, text.data(), static_cast<int>(text.size()));
      break;
    }
    case arrow::Type::DATE32:
      bson_append_date_time(document, key, length,
                            As<arrow::Date32Array>(array).Value(row) * kDayMs);
      break;
    case arrow::Type::TIMESTAMP: {
      const int64_t us = As<arrow::TimestampArray>(array).Value(row);
      if (is_id && us % 1'000 != 0) {
        bson_append_int64(document, key, length, us);
      } else {
        bson_append_date_time(document, key, length, FloorToMs(us));
      }
      break;
    }
    case arrow::Type::DECIMAL128: {
      bson_decimal128_t decimal;
      const std::string text = As<arrow::Decimal128Array>(array).FormatValue(row);
      // 34 digits are what BSON has; more of them stay as text.
      if (bson_decimal128_from_string(text.c_str(), &decimal)) {
        bson_append_decimal128(document, key, length, &decimal);
      } else {
        bson_append_utf8(document, key, length, text.data(), static_cast<int>(text.size()));
      }
      break;
    }
    default:
      CATCHWATER_CHECK(false, "Make has refused other types");
  }
}

}  // namespace

void DestroyBson::operator()(_bson_t* document) const { bson_destroy(document); }

arrow::Result<BsonWriter> BsonWriter::Make(const std::shared_ptr<arrow::Schema>& schema,
                                           const std::vector<std::string>& key) {
  BsonWriter writer;
  for (const auto& field : schema->fields()) {
    if (!IsSupported(field->type()->id())) {
      return ConfigError("MongoDB sink cannot hold a column of this type, column and type: ",
                         field->name(), " ", field->type()->ToString());
    }
    writer.names_.push_back(field->name());
  }
  for (const std::string& column : key) {
    const int index = schema->GetFieldIndex(column);
    if (index < 0) {
      return ConfigError("Column of `key` is not among the sink's columns: ", column);
    }
    writer.key_.push_back(index);
  }
  return writer;
}

void BsonWriter::AppendId(const arrow::RecordBatch& rows, int64_t row, bson_t* document) const {
  static const std::string kId = "_id";
  if (key_.size() == 1) {
    AppendValue(*rows.column(key_[0]), row, /*is_id=*/true, kId, document);
    return;
  }
  bson_t id;
  bson_append_document_begin(document, kId.data(), static_cast<int>(kId.size()), &id);
  for (const int column : key_) {
    AppendValue(*rows.column(column), row, /*is_id=*/true, names_[static_cast<size_t>(column)],
                &id);
  }
  bson_append_document_end(document, &id);
}

BsonPointer BsonWriter::Selector(const arrow::RecordBatch& rows, int64_t row) const {
  BsonPointer document(bson_new());
  AppendId(rows, row, document.get());
  return document;
}

BsonPointer BsonWriter::Document(const arrow::RecordBatch& rows, int64_t row) const {
  BsonPointer document(bson_new());
  AppendId(rows, row, document.get());
  for (int c = 0; c < rows.num_columns(); ++c) {
    AppendValue(*rows.column(c), row, /*is_id=*/false, names_[static_cast<size_t>(c)],
                document.get());
  }
  return document;
}

}  // namespace catchwater
