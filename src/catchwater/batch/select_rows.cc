#include "catchwater/batch/select_rows.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/initialize.h>
#include <arrow/datum.h>
#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Indices = std::vector<uint32_t>;

Indices KeptRows(std::span<const uint8_t> keep) {
  Indices rows(keep.size() + 1);  // One more: the last write of a dropped row has a place.
  size_t count = 0;
  for (size_t i = 0; i < keep.size(); ++i) {
    rows[count] = static_cast<uint32_t>(i);
    count += keep[i] != 0 ? 1 : 0;
  }
  rows.resize(count);
  return rows;
}

arrow::Result<std::shared_ptr<arrow::Buffer>> GatherBits(const uint8_t* bits, int64_t offset,
                                                         const Indices& rows) {
  const auto row_count = static_cast<int64_t>(rows.size());
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateEmptyBitmap(row_count));
  uint8_t* out = buffer->mutable_data();
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint8_t bit =
        arrow::bit_util::GetBit(bits, offset + static_cast<int64_t>(rows[i])) ? 1 : 0;
    out[i / 8] = static_cast<uint8_t>(out[i / 8] | (bit << (i % 8)));
  }
  return buffer;
}

template <typename Value>
void GatherValues(const uint8_t* values, const Indices& rows, uint8_t* out) {
  for (size_t i = 0; i < rows.size(); ++i) {  // memcpy: a slice may be unaligned.
    std::memcpy(out + i * sizeof(Value), values + rows[i] * sizeof(Value), sizeof(Value));
  }
}

struct Bytes16 {
  uint64_t low, high;
};

arrow::Result<std::shared_ptr<arrow::Buffer>> GatherFixed(const arrow::ArrayData& data,
                                                          int64_t width, const Indices& rows) {
  ARROW_ASSIGN_OR_RAISE(auto buffer,
                        arrow::AllocateBuffer(width * static_cast<int64_t>(rows.size())));
  const uint8_t* values = data.buffers[1]->data() + data.offset * width;
  uint8_t* out = buffer->mutable_data();
  if (width == 1) GatherValues<uint8_t>(values, rows, out);
  if (width == 2) GatherValues<uint16_t>(values, rows, out);
  if (width == 4) GatherValues<uint32_t>(values, rows, out);
  if (width == 8) GatherValues<uint64_t>(values, rows, out);
  if (width == 16) GatherValues<Bytes16>(values, rows, out);
  return buffer;
}

/// utf8 and binary: new ends, then the bytes.
arrow::Result<arrow::BufferVector> GatherTexts(const arrow::ArrayData& data, const Indices& rows) {
  ARROW_ASSIGN_OR_RAISE(
      auto end_buffer,
      arrow::AllocateBuffer(static_cast<int64_t>((rows.size() + 1) * sizeof(int32_t))));
  const int32_t* begins = data.GetValues<int32_t>(1);
  auto* ends = end_buffer->mutable_data_as<int32_t>();
  int32_t byte_count = 0;
  ends[0] = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    byte_count += begins[rows[i] + 1] - begins[rows[i]];
    ends[i + 1] = byte_count;
  }
  ARROW_ASSIGN_OR_RAISE(auto byte_buffer, arrow::AllocateBuffer(byte_count));
  const uint8_t* bytes = data.buffers[2] == nullptr ? nullptr : data.buffers[2]->data();
  uint8_t* out = byte_buffer->mutable_data();
  for (size_t i = 0; i < rows.size(); ++i) {
    const int32_t length = ends[i + 1] - ends[i];
    if (length > 0)
      std::memcpy(out + ends[i], bytes + begins[rows[i]], static_cast<size_t>(length));
  }
  return arrow::BufferVector{nullptr, std::move(end_buffer), std::move(byte_buffer)};
}

/// The value width that GatherFixed knows, or 0.
int64_t FixedWidth(const arrow::DataType& type) {
  if (type.id() == arrow::Type::BOOL || type.id() == arrow::Type::DICTIONARY) return 0;
  if (!arrow::is_primitive(type.id()) && type.id() != arrow::Type::DECIMAL128) return 0;
  const int64_t width = type.byte_width();
  return width == 1 || width == 2 || width == 4 || width == 8 || width == 16 ? width : 0;
}

arrow::Result<std::shared_ptr<arrow::Array>> TakeByArrow(const arrow::Array& array,
                                                         const Indices& rows) {
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());
  const arrow::UInt32Array indices(static_cast<int64_t>(rows.size()),
                                   arrow::Buffer::Wrap(rows.data(), rows.size()));
  return arrow::compute::Take(array, indices);
}

arrow::Result<std::shared_ptr<arrow::Array>> Gather(const arrow::Array& array,
                                                    const Indices& rows) {
  const arrow::ArrayData& data = *array.data();
  const int64_t width = FixedWidth(*array.type());
  arrow::BufferVector buffers;
  if (width > 0) {
    ARROW_ASSIGN_OR_RAISE(auto values, GatherFixed(data, width, rows));
    buffers = {nullptr, std::move(values)};
  } else if (array.type_id() == arrow::Type::BOOL) {
    ARROW_ASSIGN_OR_RAISE(auto values, GatherBits(data.buffers[1]->data(), data.offset, rows));
    buffers = {nullptr, std::move(values)};
  } else if (array.type_id() == arrow::Type::STRING || array.type_id() == arrow::Type::BINARY) {
    ARROW_ASSIGN_OR_RAISE(buffers, GatherTexts(data, rows));
  } else {
    return TakeByArrow(array, rows);
  }
  int64_t null_count = 0;
  if (array.null_count() > 0) {
    ARROW_ASSIGN_OR_RAISE(buffers[0], GatherBits(array.null_bitmap_data(), data.offset, rows));
    null_count = arrow::kUnknownNullCount;
  }
  return arrow::MakeArray(arrow::ArrayData::Make(array.type(), static_cast<int64_t>(rows.size()),
                                                 std::move(buffers), null_count));
}

std::shared_ptr<arrow::Array> SliceOrNull(const std::shared_ptr<arrow::Array>& array, int64_t row,
                                          int64_t row_count) {
  return array == nullptr ? nullptr : array->Slice(row, row_count);
}

arrow::Status GatherOrNull(std::shared_ptr<arrow::Array>& array, const Indices& rows) {
  if (array == nullptr) return arrow::Status::OK();
  return Gather(*array, rows).Value(&array);
}

// ---- Dead letters

void AppendJsonText(std::string_view text, std::string& json) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  json += '"';
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20) {
      json += "\\u00";
      json += kHex[byte >> 4];
      json += kHex[byte & 15];
      continue;
    }
    if (character == '"' || character == '\\') json += '\\';
    json += character;
  }
  json += '"';
}

std::string RowAsJson(const arrow::RecordBatch& rows, int64_t row) {
  std::string json = "{";
  for (int i = 0; i < rows.num_columns(); ++i) {
    if (i > 0) json += ',';
    AppendJsonText(rows.column_name(i), json);
    json += ':';
    const auto scalar = rows.column(i)->GetScalar(row);
    if (!scalar.ok() || !(*scalar)->is_valid) {
      json += "null";
    } else if (arrow::is_integer((*scalar)->type->id())) {
      json += (*scalar)->ToString();
    } else {
      AppendJsonText((*scalar)->ToString(), json);
    }
  }
  return json + "}";
}

template <typename ArrayType>
auto ValueOr0(const std::shared_ptr<arrow::Array>& array, int64_t row) {
  const auto* values = static_cast<const ArrayType*>(array.get());
  return values == nullptr ? typename ArrayType::value_type{} : values->Value(row);
}

}  // namespace

arrow::Result<Batch> FilterBatch(Batch batch, std::span<const uint8_t> keep) {
  CATCHWATER_CHECK(static_cast<int64_t>(keep.size()) == batch.rows->num_rows(), "one flag a row");
  const Indices rows = KeptRows(keep);
  if (rows.size() == keep.size()) return batch;
  if (rows.empty()) return SliceBatch(batch, 0, 0);
  const auto row_count = static_cast<int64_t>(rows.size());
  if (rows.back() - rows.front() + 1 == rows.size())
    return SliceBatch(batch, rows.front(), row_count);

  arrow::ArrayVector columns = batch.rows->columns();
  for (auto& column : columns) ARROW_RETURN_NOT_OK(GatherOrNull(column, rows));
  batch.rows = arrow::RecordBatch::Make(batch.rows->schema(), row_count, std::move(columns));
  for (auto* origin :
       {&batch.frame_ordinals, &batch.row_in_frame, &batch.raw_begin, &batch.raw_length}) {
    ARROW_RETURN_NOT_OK(GatherOrNull(*origin, rows));
  }
  return batch;
}

Batch SliceBatch(const Batch& batch, int64_t row, int64_t row_count) {
  Batch slice = batch;
  slice.rows = batch.rows->Slice(row, row_count);
  slice.frame_ordinals = SliceOrNull(batch.frame_ordinals, row, row_count);
  slice.row_in_frame = SliceOrNull(batch.row_in_frame, row, row_count);
  slice.raw_begin = SliceOrNull(batch.raw_begin, row, row_count);
  slice.raw_length = SliceOrNull(batch.raw_length, row, row_count);
  return slice;
}

DeadLetter MakeDeadLetter(const Batch& batch, int64_t row, RowFault fault) {
  DeadLetter letter;
  letter.frame_ordinal = batch.frame_ordinals == nullptr
                             ? batch.origin.range.from.ordinal
                             : ValueOr0<arrow::UInt64Array>(batch.frame_ordinals, row);
  letter.row_in_frame = batch.frame_ordinals == nullptr
                            ? static_cast<uint32_t>(row)
                            : ValueOr0<arrow::UInt32Array>(batch.row_in_frame, row);
  if (batch.raw != nullptr && batch.raw_begin != nullptr && batch.raw_length != nullptr) {
    const int64_t begin = ValueOr0<arrow::UInt32Array>(batch.raw_begin, row);
    letter.raw_bytes = ValueOr0<arrow::UInt32Array>(batch.raw_length, row);
    const std::string_view raw = std::string_view(*batch.raw);
    letter.raw =
        raw.substr(static_cast<size_t>(begin),
                   static_cast<size_t>(std::min(letter.raw_bytes, kDeadLetterRawBytesMax)));
  } else {
    letter.raw = RowAsJson(*batch.rows, row);
    letter.raw_bytes = static_cast<int64_t>(letter.raw.size());
    if (letter.raw_bytes > kDeadLetterRawBytesMax) letter.raw.resize(kDeadLetterRawBytesMax);
  }
  letter.reason = std::move(fault.reason);
  letter.rule = fault.rule;
  letter.field = fault.field;
  return letter;
}

}  // namespace catchwater
